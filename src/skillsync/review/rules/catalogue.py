"""Every rule of a review by name: how bad it is and what it means, for findings, SARIF and `skillsync explain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from skillsync.formats.checks import CODES
from skillsync.review.values import Level

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "P": "permission",
        "T": "trigger",
        "H": "hidden text",
        "X": "execution",
        "S": "secret",
        "O": "opaque",
        "L": "lint",
        "R": "round trip",
        "D": "drift",
        "G": "guard",
    }
)
"""What each group is about, by the first letter of a rule."""

_ACCEPT = (
    " Accept it with an entry in .skillsync-baseline.yaml on the base branch: rule, path, fingerprint, reason, owner, "
    "expires. An edit of the file opens it again."
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its usual level and a paragraph for people."""

    name: str
    level: Level
    text: str


def _rules() -> Mapping[str, Rule]:
    error, warning, note = Level.ERROR, Level.WARNING, Level.NOTE
    found = [
        Rule("P-WIDENED", error, "The skill pre-approves more than before: a tool, or a way to use one, that no grant before provably contains; or a key that lets it do more. Pre-approval counts where the skill is delivered as files, and grants nothing over MCP. A maintainer acknowledges it with the label skillsync:permissions-ok (--ack permissions)."),
        Rule("P-NEW", error, "A new skill pre-approves tools that do more than read. A maintainer acknowledges it with the label skillsync:permissions-ok (--ack permissions)."),
        Rule("P-WILDCARD", error, "A grant that is new holds a whole tool that can do anything, or every tool of a server. Name what is needed: Bash(git status:*), mcp__server__tool."),
        Rule("P-FRACTURED", warning, "A tool list is read in two ways: the standard splits at spaces, so that `Bash(git add *)` falls into three tokens and `Read, Write` into `Read,` and `Write`. Which tools are approved then depends on the reader. Write the list as YAML, one tool a line, and Bash(git add:*) without a space."),
        Rule("P-LOOKALIKE", error, "A tool's name looks like another's: letters of another script, invisible ones, or another case. A reviewer reads the tool, an agent another word."),
        Rule("T-DESCRIPTION", warning, "The description decides when an agent loads the skill, and it changed. Read it whole: what will start the skill that did not before?"),
        Rule("T-NAME", warning, "The name changed. On the server a skill is its name: another one is another skill, unless the server renames it."),
        Rule("T-BROAD", warning, "The description asks to be used always, for every request, or before anything else. Such a skill is loaded where nobody wants it and crowds out others."),
        Rule("T-OVERLAP", warning, "The description shares most of its words with that of another skill. An agent has to choose between them by little."),
        Rule("H-TAG", error, "The text holds Unicode tag characters: invisible to people, read by models. They carry whole hidden sentences." + _ACCEPT),
        Rule("H-BIDI", error, "The text holds characters that turn the direction of writing, so that what is shown is not what is read." + _ACCEPT),
        Rule("H-ZERO-WIDTH", error, "The text holds characters without width where no script or emoji needs them: they hide words or split them." + _ACCEPT),
        Rule("H-VARIATION", error, "The text holds variation selectors that belong to no character before them: they can carry hidden bytes." + _ACCEPT),
        Rule("H-CONTROL", error, "The text holds control characters: terminals obey some of them." + _ACCEPT),
        Rule("H-COMMENT", warning, "An HTML comment gives orders. It is invisible on a rendered page, and models read it."),
        Rule("H-BLANK", error, "More than 200 blank lines in a row: what comes after them is not seen." + _ACCEPT),
        Rule("H-LONG", error, "A line of more than 10,000 characters: what stands at its end is not seen." + _ACCEPT),
        Rule("X-PIPE", error, "Something is downloaded and handed to an interpreter at once: whoever controls the address controls the machine." + _ACCEPT),
        Rule("X-DECODE", error, "Something encoded is decoded and run: nobody can read what it does." + _ACCEPT),
        Rule("X-REVERSE", error, "A shell is connected to the network." + _ACCEPT),
        Rule("X-CREDENTIALS", error, "A place where credentials lie is named near a network call." + _ACCEPT),
        Rule("X-INSTALL", error, "Something is installed from an address without a fixed version: tomorrow it is something else. Pin a commit or a version." + _ACCEPT),
        Rule("X-LOAD", error, "A command runs when the skill is loaded, before anybody decided to use it (!`command` in the body)." + _ACCEPT),
        Rule("S-SECRET", error, "A line holds what looks like somebody's key, token or password. A skill is read by everybody who may see the project. Take it out, and revoke it: it is in the history of the branch already."),
        Rule("S-PARTLY", warning, "Only known token formats were looked for: detect-secrets is not installed. pip install 'skillsync[review]'"),
        Rule("O-BINARY", error, "A binary file cannot be reviewed. It is not published either (the API stores text), but it lies beside the skill in every checkout." + _ACCEPT),
        Rule("O-ARCHIVE", error, "An archive cannot be reviewed: what is in it is not seen." + _ACCEPT),
        Rule("O-BYTECODE", error, "A compiled program cannot be reviewed." + _ACCEPT),
        Rule("O-SYMLINK", error, "A symbolic link leads out of what is reviewed; it is not followed and not published." + _ACCEPT),
        Rule("O-SUBMODULE", error, "A submodule's content is not part of this repository and cannot be reviewed." + _ACCEPT),
        Rule("O-LFS", error, "A Git LFS pointer stands for a file that is not in the repository's objects." + _ACCEPT),
        Rule("O-LARGE", error, "The file is too large to be published, and to be reviewed." + _ACCEPT),
        Rule("O-TWIN", error, "A compiled or minified file lies beside its source: nothing shows that one was made of the other." + _ACCEPT),
        Rule("O-GAVE-UP", error, "Analysis of a file was stopped: it is too large for the time there is. What was not looked at was not reviewed."),
        Rule("L-LINK", warning, "A relative link leads to a file that is not part of the skill."),
        Rule("L-ROWS", error, "The dataset's file cannot be read: a line is no JSON object, a key stands twice, a marker of an unfinished merge is left. Nothing of it can be published."),
        Rule("L-NO-KEY", error, "Lines of a dataset have no id: CI publishes nothing of such a file. `skillsync fmt` gives them one."),
        Rule("R-CARRIED", warning, "The server has no field for this key. It is carried along and comes back in a checkout, but nothing on the server applies it."),
        Rule("R-DENY", error, "disallowed-tools is carried, not applied: whoever takes the skill from the server gets it without the prohibition."),
        Rule("R-SOURCE", warning, "A row's source fields changed. Newer servers take them at creation only and refuse a change."),
        Rule("D-DRIFT", error, "The store moved past the base: somebody edited the object there. A push is refused until the edit is taken in with `skillsync pull`."),
        Rule("D-CONFLICT", error, "The store and this range changed the same parts. A push is refused; `skillsync pull` shows the conflict."),
        Rule("D-COLLISION", error, "The store has another object of this name that was never linked to this folder. `skillsync adopt NAME` links them; nothing is overwritten."),
        Rule("D-UNSEEN", error, "The range removes an object that was edited in the store since: archiving it would bury an edit nobody here has seen."),
        Rule("D-NO-BASE", error, "Nothing says which version of the store this tree has taken in, so nothing may be published over it."),
        Rule("D-STALE", error, "The base branch changed this object too since the range began. What would be published is the merge of both, which nobody reviewed: bring the branch up to date."),
        Rule("D-DROPPED", warning, "A version that this tree says to have taken in is missing lines here: they were dropped on the way, perhaps when a conflict was resolved."),
        Rule("G-POLICY", note, "The range changes skillsync.toml or the accepted findings. They count from the base on, not for this range; let an owner look."),
        Rule("G-WORKFLOW", note, "The range changes what runs the review itself: workflows, actions, owners. Let an owner look."),
        Rule("G-NO-POLICY", warning, "The base has no skillsync.toml, so the review ran with the defaults and without a target."),
        Rule("G-POINTER", note, "The range changes a pointer (.skillsync): it claims that another version of the store was taken in. `skillsync pull` writes such lines; nobody should by hand."),
        Rule("G-POINTER-BACK", error, "A pointer goes backwards: it would claim less than was taken in already, and edits of the store would count as new again."),
    ]  # fmt: skip
    found += [
        Rule(f"L-{code[2:]}", Level(_SEVERITY[code[0]]), text)
        for code, text in CODES.items()
        if code[0] in _SEVERITY
    ]
    return MappingProxyType({rule.name: rule for rule in found})


_SEVERITY = {"E": "error", "W": "warning"}

RULES = _rules()
"""Every rule by name. The checks of ``lint`` are here as L rules: E-SKILL-NAME is L-SKILL-NAME."""


def level_of(rule: str) -> Level:
    """Return a rule's usual level; one of another scanner is a warning."""
    return RULES[rule].level if rule in RULES else Level.WARNING
