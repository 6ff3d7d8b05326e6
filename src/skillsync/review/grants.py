"""The permission relation of `allowed-tools`: a grant is covered only if an old grant provably contains it.

Pure. A grant is a tool, or a tool with a specifier in parentheses; what a specifier means differs between agents, so
a containment counts only where it holds under every reading that is known (``Bash(git:*)`` as a plain prefix of the
command, or as whole words). Whatever is not provably covered is *widened*.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skillsync.formats.tools_list import tool_tokens

_GRANT = re.compile(r"([^\s()]+)(?:\((.*)\))?", re.DOTALL)
_SHELL = re.compile(r"[;&|<>`$(){}\[\]!\\\n\r\"'#~?]|\*.")
"""What lets one command hold another, or a pattern match more than it says: a prefix then proves nothing."""

_GLOB = re.compile(r"[*?\[\]{}!\\]")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_PATH_TOOLS = frozenset(
    {"Read", "Edit", "Write", "MultiEdit", "NotebookEdit", "Glob", "Grep", "LS"}
)

READ_ONLY = frozenset({"Glob", "Grep", "LS", "NotebookRead", "Read", "TodoRead"})
"""Tools that change nothing: a new skill that pre-approves only these needs nobody's consent."""

KNOWN_TOOLS = READ_ONLY | {
    "Agent",
    "Bash",
    "BashOutput",
    "Edit",
    "KillShell",
    "MultiEdit",
    "NotebookEdit",
    "Skill",
    "SlashCommand",
    "Task",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
    "Write",
}
"""Names of tools that agents have, for telling a lookalike."""

_CONFUSED = str.maketrans("аеорсухіјѕԁԛԝһΑΒΕΗΙΚΜΝΟΡΤΧΖАВЕКМНОРСТХІЅЈ", "aeopcyxijsdqwhABEHIKMNOPTXZABEKMHOPCTXISJ")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """``text`` as it stands; ``tool`` and ``specifier`` (None: the whole tool, as is ``*``).

    A text that is no grant has the tool ``""`` and is covered by its own like alone.
    """

    text: str
    tool: str
    specifier: str | None


def parse_grant(token: str) -> Grant:
    """Read one token of a tool list."""
    found = _GRANT.fullmatch(token.strip())
    if found is None:
        return Grant(token, "", None)
    tool, specifier = found[1], found[2]
    if specifier is not None and not _is_balanced(specifier):
        return Grant(token, "", None)
    if specifier in {"*", ":*", "**"}:
        specifier = None
    return Grant(token, tool, specifier.strip() if specifier is not None else None)


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0


def parse_grants(value: str | Iterable[str]) -> tuple[Grant, ...]:
    """Read a tool list in any of its forms: commas, spaces, a YAML list (skill-format.md 5.1)."""
    return tuple(parse_grant(token) for token in tool_tokens(value))


def covers(old: Grant, new: Grant) -> bool:
    """Tell whether everything that ``new`` allows is provably allowed by ``old``."""
    if old.text == new.text:
        return True
    if not old.tool or not new.tool:
        return False
    if old.tool == "*" and old.specifier is None:
        return True
    if old.tool != new.tool:
        return old.specifier is None and _covers_tool(old.tool, new.tool)
    if old.specifier is None or old.specifier == new.specifier:
        return True
    if new.specifier is None:
        return False
    if new.tool == "Bash":
        return _covers_command(old.specifier, new.specifier)
    if new.tool == "WebFetch":
        return _covers_domain(old.specifier, new.specifier)
    return new.tool in _PATH_TOOLS and _covers_path(old.specifier, new.specifier)


def _covers_tool(old: str, new: str) -> bool:
    """MCP tools: ``mcp__s`` and ``mcp__s__*`` hold every tool of the server, ``mcp__s__get_*`` those so named."""
    if not old.startswith("mcp__") or not new.startswith("mcp__"):
        return False
    stem = old.removesuffix("*")
    if _GLOB.search(stem) or _GLOB.search(new.removesuffix("*")):
        return False
    server = old.removeprefix("mcp__")
    if "__" not in server and "*" not in server:
        return new.startswith(f"{old}__")
    # A star before the server's name is complete could be read as more than one server.
    return old.endswith("*") and "__" in stem.removeprefix("mcp__") and new.startswith(stem)


def _covers_command(old: str, new: str) -> bool:
    """``git:*`` holds ``git``, ``git status`` and ``git status:*``; never a command that can hold another."""
    words = False
    if old.endswith(":*"):
        prefix = old.removesuffix(":*")
    elif old.endswith(" *"):
        prefix, words = old.removesuffix(" *"), True
    else:
        return False
    stem = new.removesuffix(":*") if new.endswith(":*") else new.removesuffix(" *")
    if not prefix.strip() or _GLOB.search(prefix) or _SHELL.search(stem) or "*" in stem:
        return False
    if stem.startswith(f"{prefix} "):
        return True
    return stem == prefix and (not words or new.endswith(" *"))


def _covers_domain(old: str, new: str) -> bool:
    """``domain:*.example.com`` holds every name below it."""
    if not (old.startswith("domain:*.") and new.startswith("domain:")):
        return False
    above, below = old.removeprefix("domain:*"), new.removeprefix("domain:")
    both = _HOST.fullmatch(above[1:]) and _HOST.fullmatch(below)
    return bool(both) and below.endswith(above) and below != above[1:]


def _covers_path(old: str, new: str) -> bool:
    """``src/**`` holds what lies below ``src/``, unless the path may leave it again."""
    if not old.endswith("/**"):
        return False
    folder = old.removesuffix("**")
    if len(folder) < 2 or _GLOB.search(folder) or not new.startswith(folder):
        return False
    rest = new.removeprefix(folder)
    parts = rest.split("/")
    return bool(rest) and ".." not in parts and "" not in parts and not re.search(r"[{}!\\]", rest)


# ---------------------------------------------------------------- the relation


@dataclass(frozen=True, slots=True)
class Relation:
    """``name``: none, equal, narrowed or widened; ``added`` and ``removed`` as in ``values.Permissions``."""

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def relation(before: Sequence[Grant], after: Sequence[Grant]) -> Relation:
    """Compare two tool lists as what they allow; order, form and repetition are no difference."""
    if not before and not after:
        return Relation("none", (), ())
    added = _not_covered(after, before)
    removed = _not_covered(before, after)
    name = "widened" if added else "narrowed" if removed else "equal"
    return Relation(name, added, removed)


def _not_covered(these: Sequence[Grant], by: Sequence[Grant]) -> tuple[str, ...]:
    texts = {grant.text for grant in by}
    return tuple(
        dict.fromkeys(
            one.text
            for one in these
            if one.text not in texts and not any(covers(other, one) for other in by)
        )
    )


def is_wildcard(grant: Grant) -> bool:
    """Tell whether a grant holds a whole tool that can do anything, or every tool there is."""
    if grant.tool == "*" or (grant.tool.startswith("mcp__") and grant.tool.endswith("*")):
        return True
    return grant.specifier is None and grant.tool == "Bash"


def lookalike(grant: Grant) -> str | None:
    """Return the tool that a name only looks like, None when it is no lookalike.

    A reader sees the tool, an agent another word: letters of other scripts, invisible ones, other case.
    """
    if grant.tool in KNOWN_TOOLS:
        return None
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKC", grant.tool)
        if unicodedata.category(letter) not in {"Cf", "Mn", "Cc"}
    )
    plain = plain.translate(_CONFUSED)
    for tool in sorted(KNOWN_TOOLS):
        if plain == tool or (plain.casefold() == tool.casefold() and plain != tool):
            return tool
    return plain if plain != grant.tool else None
