"""Everything `lint` says about a skill, with its severity, and what each code means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skillsync.formats.canonical import canonical_text
from skillsync.formats.carry import CARRY_KEY, STANDARD_KEYS, carry_is_too_large
from skillsync.formats.secret_text import secret_lines
from skillsync.formats.skill_document import SkillDocument
from skillsync.formats.skill_folder import SKILL_FILE, SkillReading, place, subject_of
from skillsync.formats.skill_rules import MANY_FILES
from skillsync.formats.tools_list import has_comma
from skillsync.formats.yaml_tree import Map, Scalar, Sequence, scalar_type, typed_scalar
from skillsync.model import CarryMode, Problem, Severity

BEHAVIOURAL_KEYS = frozenset(
    {
        "agent",
        "context",
        "disable-model-invocation",
        "disallowed-tools",
        "hooks",
        "model",
        "paths",
        "shell",
        "user-invocable",
    }
)
"""Keys outside the standard that change what an agent may do (skill-format.md 3)."""

NEAR_MISSES = {
    "allowed-tool": "allowed-tools",
    "allowedtools": "allowed-tools",
    "desc": "description",
    "licence": "license",
    "tools": "allowed-tools",
    "user-invokable": "user-invocable",
}
"""Misspelt keys as seen in the field, lower-case with hyphens, and what was meant (skill-format.md 10.7)."""

MAX_BODY_LINES = 500
SERVER_PREFIXES = ("signals-scout-", "review-hog-")

STRICT_CODES = frozenset(
    {"W-SKILL-BINARY", "W-SKILL-LFS", "W-SKILL-LARGE", "W-SKILL-LINK", "W-SKILL-SPECIAL"}
)
"""Warnings that ``lint --strict`` and ``review`` treat as errors (sync.md F21)."""

CODES = {
    "E-SKILL-DUPLICATE": (
        "Two folders hold a skill of the same name. The name is its identity on the server, so neither is synced "
        "until one is renamed, removed, or taken out of the configured roots."
    ),
    "E-MARKERS": (
        "A file still holds the conflict markers that `pull` wrote, lines that start with `<<<<<<< local` or "
        "`>>>>>>> remote`. Nothing of this skill is sent until somebody has decided. Edit the file so that it says "
        "what it shall say and run `skillsync resolve NAME`, or take one side with `--local` or `--remote`."
    ),
    "E-SKILL-BODY": (
        "The text after the frontmatter is blank, or has more than 1,000,000 bytes of UTF-8. Servers refuse both. "
        "Long reference material belongs into files beside SKILL.md."
    ),
    "E-SKILL-CASE": (
        "A file beside SKILL.md has the same name in another case, such as skill.md. Servers reserve the name and "
        "many file systems hold only one of the two. Rename or remove it."
    ),
    "E-SKILL-CLASH": (
        "Two paths of one skill are equal but for upper and lower case or for their Unicode form, or one is a file "
        "and also the folder of another. They collapse on common file systems, so the skill is not synced until "
        "one of them is renamed."
    ),
    "E-SKILL-DESCRIPTION": (
        "The description is missing, blank, or longer than 1,024 characters. It is what an agent reads to decide "
        "whether to use the skill. While an overlong description is on a server, that server refuses every write "
        "to the skill, even of another file: send a shorter one."
    ),
    "E-SKILL-DUPLICATE-KEY": (
        "A key stands twice in the same mapping of the frontmatter. Readers disagree about which value counts, so "
        "it is not sent. Remove one of the two lines."
    ),
    "E-SKILL-ENCODING": (
        "SKILL.md is not UTF-8 text, or holds a NUL character, which no server stores. Save it as UTF-8."
    ),
    "E-SKILL-ENV": (
        "A file named .env usually holds secrets and would become readable for everybody who can read the skill. "
        "It is never sent, and the skill is not either until the file is ignored by git, moved, or renamed "
        "(.env.example is fine)."
    ),
    "E-SKILL-FENCE": (
        "SKILL.md must start with a line `---`, followed by the keys and another line `---`. A file without both "
        "lines is no skill. A line `...` does not end the frontmatter."
    ),
    "E-SKILL-FIELD": (
        "A value of the frontmatter has the wrong form: license (at most 255 characters), compatibility (at most "
        "500), name and description must each be one text."
    ),
    "E-SKILL-FILES": (
        "A skill may have at most 200 bundled files. No subset is chosen for you: move files elsewhere or have git "
        "ignore those that nobody needs."
    ),
    "E-SKILL-METADATA": (
        "`metadata:` must be a mapping of keys to values. A text or a list there cannot be sent."
    ),
    "E-SKILL-MISSING": (
        "The folder has no regular file named exactly SKILL.md, so it is no skill."
    ),
    "E-SKILL-NAME": (
        "The name must have 1 to 64 lower-case letters a-z, digits and single hyphens, with no hyphen at an end, "
        "and must not be one of the names that servers reserve: new, scouts, review-hog, community."
    ),
    "E-SKILL-PATH": (
        "A file's path cannot be sent: it is too long, holds a backslash, a control character or a part such as "
        "`..`, is not UTF-8, or lies in a place that belongs to git or to skillsync. Rename the file."
    ),
    "E-SKILL-QUOTES": (
        "A line of the frontmatter is no YAML because its value holds a colon, or starts with a special character, "
        "without quotes. Many readers drop such a skill. `skillsync fmt` puts the value in quotes; until then the "
        "skill is neither sent nor rewritten."
    ),
    "E-SKILL-KEY": (
        'A key is not in the standard, and skillsync.toml says carry = "error", or a tool of allowed-tools holds a '
        'space, which only an entry in the metadata could carry, and skillsync.toml says carry = "local". Remove it, '
        'move it below metadata:, or set carry = "metadata".'
    ),
    "E-SKILL-TOOLS": (
        "`allowed-tools:` must be one text with the tools separated by spaces or commas, or a list of texts."
    ),
    "E-SKILL-YAML": (
        "The frontmatter cannot be read as YAML: a syntax error, an unknown tag, more than one document, values "
        "nested deeper than 64 levels, or more than 256,000 characters. The message names the line."
    ),
    "W-SKILL-BEHAVIOUR": (
        "This key changes what an agent may do, and the server's API has no place for it. It is carried along and "
        "restored in a checkout, but whoever takes the skill from the server's own export does not honour it: a "
        "skill that must be started by hand may then start by itself."
    ),
    "W-SKILL-BINARY": (
        "The file is no UTF-8 text, or holds a NUL character. The API stores text only, so the file stays local; "
        "the skill is published without it and a pull never touches it."
    ),
    "W-SKILL-CARRY-SIZE": (
        "What the API has no place for (extra keys, executable files, empty files) exceeds 20,000 bytes. Nothing "
        "of it is carried: it stays in this repository."
    ),
    "W-SKILL-EXTRA-KEY": (
        "The key is not one of the six of the Agent Skills standard: name, description, license, compatibility, "
        "metadata, allowed-tools. It stays in the file and is carried in one metadata entry, so that a fresh "
        "checkout has it. The standard's own place for such values is `metadata:`."
    ),
    "W-SKILL-LARGE": (
        "The file is larger than 1,000,000 bytes, which servers refuse. It stays local; the skill is published "
        "without it."
    ),
    "W-SKILL-LFS": (
        "The file is a Git LFS pointer and not the file itself. It stays local; the skill is published without it. "
        "`git lfs pull` fetches the file."
    ),
    "W-SKILL-LINK": (
        "Symbolic links are not followed: where they lead may lie outside the repository. The link stays local."
    ),
    "W-SKILL-MODES": (
        "Executable bits are not carried in this mode, so a fresh checkout elsewhere has the files without them."
    ),
    "W-SKILL-NEAR-MISS": (
        "The key looks like a misspelt key that readers know. As it stands no reader honours it."
    ),
    "W-SKILL-NESTED-METADATA": (
        "A value of `metadata:` is a list or a mapping. It is sent as JSON, but the standard knows texts only and "
        "the server's own export turns it into text of another form."
    ),
    "W-SKILL-RESERVED-KEY": (
        "`metadata.skillsync` is the entry in which skillsync keeps what the API has no place for. In SKILL.md it is "
        "ignored: it is neither sent nor changed. Remove it."
    ),
    "W-SKILL-SECRET": (
        "A line looks as if it held somebody's key or token. A skill is read by everybody who may see the project, and "
        "by the agents that use it: take the key out, and revoke it if it is a real one."
    ),
    "W-SKILL-SPECIAL": (
        "The entry is no regular file (a submodule, a device, a pipe). It stays local."
    ),
    "W-SKILL-TOOL-SPACE": (
        "A tool in `allowed-tools` holds a space, which servers refuse. The exact list is carried along; the API's "
        "own list stays as the server has it, so that no half permission is granted."
    ),
    "N-SKILL-ANCHORS": (
        "The frontmatter uses anchors, aliases, merge keys or tags. It is read and sent, but a pull cannot rewrite "
        "it; a remote change of the frontmatter has to be made by hand."
    ),
    "N-SKILL-BOM": "SKILL.md starts with a byte order mark. It is kept; other readers may refuse the file.",
    "N-SKILL-CATEGORY": (
        "The server gives names with this prefix a category of its own and does not let them be renamed."
    ),
    "N-SKILL-CRLF": (
        "SKILL.md has CRLF line ends. They are kept, and are no difference: `skillsync push --republish NAME` "
        "sends a change of line ends."
    ),
    "N-SKILL-DESCRIPTION-EDGE": (
        "The description ends in a line end, usually because `>` or `|` was written where `>-` or `|-` was meant. "
        "Servers trim it; it is no difference."
    ),
    "N-SKILL-EMPTY-FILE": (
        "The API refuses empty files. The file is named in the carry entry and created again in a fresh checkout."
    ),
    "N-SKILL-FOLDER-NAME": (
        "The folder is not named like the skill. The name in SKILL.md is what counts on the server; the standard "
        "asks for both to be equal."
    ),
    "N-SKILL-LONG-BODY": "The standard advises fewer than 500 lines in SKILL.md and details in other files.",
    "N-SKILL-MANY-FILES": "Older servers take at most 50 bundled files and would refuse this skill.",
    "N-SKILL-METADATA-TYPE": (
        "A value of `metadata:` is not quoted and some readers take it for a number, a date or a boolean. It is sent "
        "as the text that stands in the file."
    ),
    "N-SKILL-NESTED": (
        "The folder lies inside another skill's folder. It is a skill of its own and no part of the outer one."
    ),
    "N-SKILL-TOOLS-FORM": (
        "The standard writes `allowed-tools` as one text with spaces. A list or commas are understood and kept."
    ),
}
"""What each code means, in one paragraph: the text of ``skillsync explain CODE``."""


# ---------------------------------------------------------------- one skill


def check_skill(
    reading: SkillReading, *, carry: CarryMode | None = None, secrets: bool = True
) -> list[Problem]:
    """Return everything to be said about one skill: the reading's own problems once, then warnings and notes.

    The rows of skill-format.md 13. With ``carry`` ``local`` nothing outside the API's fields is carried; with
    ``error`` a key outside the standard is an error. None: as the reading was made. ``secrets`` False: nobody looks
    for keys.
    """
    carry = carry or reading.carry
    problems = list(reading.problems)
    if reading.document is not None:
        problems += _key_problems(reading, reading.document, carry)
        problems += _metadata_problems(reading, reading.document)
        problems += _tool_problems(reading, reading.document)
        problems += _text_notes(reading, reading.document)
    if secrets:
        problems += _secrets(reading)
    problems += _file_problems(reading, carry)
    return problems


def _secrets(reading: SkillReading) -> Iterator[Problem]:
    """Name the lines that look as if they held a key; what is published is read by many."""
    texts = dict(sorted(reading.raw_files.items()))
    if reading.document is not None:
        texts = {SKILL_FILE: reading.document.parts.text, **texts}
    for path, text in texts.items():
        for line, kind in secret_lines(text):
            message = f"this line holds what looks like {kind}, and would be published with it"
            fix = "take it out, and revoke it if it is a real one"
            yield _say(reading, "W-SKILL-SECRET", message, path=path, line=line, fix=fix)


def _say(
    reading: SkillReading,
    code: str,
    message: str,
    *,
    path: str = SKILL_FILE,
    line: int | None = None,
    fix: str = "",
    severity: Severity | None = None,
) -> Problem:
    usual = {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}[code[0]]
    return Problem(
        code,
        message,
        subject=subject_of(reading),
        path=place(reading.folder, path) if path else reading.folder.dir,
        line=line,
        severity=severity or usual,
        fix=fix,
    )


def meant_key(key: str) -> str | None:
    """Return the key that a misspelt one stands for, None if it is no near miss."""
    plain = key.strip().lower().replace("_", "-")
    known = {*STANDARD_KEYS, *BEHAVIOURAL_KEYS}
    meant = plain if plain in known else NEAR_MISSES.get(plain)
    return None if meant == key else meant


def _key_problems(reading: SkillReading, doc: SkillDocument, carry: CarryMode) -> Iterator[Problem]:
    fate = {
        "metadata": "it is carried to the server and back, but not applied there",
        "local": "it stays in this repository",
        "error": "keys outside the standard are refused here",
    }[carry]
    severity = Severity.ERROR if carry == "error" else None
    for key in () if reading.carry == "error" else doc.extra_keys:  # among the reading's own then
        line = doc.line_of(key)
        if (meant := meant_key(key)) is not None:
            beside = " stands beside it" if doc.root.get(meant) else " was probably meant"
            yield _say(
                reading,
                "W-SKILL-NEAR-MISS",
                f"{key} is a key that no reader knows; {meant}{beside}",
                line=line,
                fix=f"rename {key}: to {meant}:" if "meant" in beside else f"remove {key}:",
                severity=severity,
            )
        elif key in BEHAVIOURAL_KEYS:
            message = f"{key} changes what an agent may do; {fate}"
            yield _say(reading, "W-SKILL-BEHAVIOUR", message, line=line, severity=severity)
        else:
            message = f"{key} is no key of the standard; {fate}"
            yield _say(reading, "W-SKILL-EXTRA-KEY", message, line=line, severity=severity)
    if doc.tree.unwritable:
        message = f"the frontmatter holds {doc.tree.unwritable}, so a pull cannot rewrite it"
        yield _say(reading, "N-SKILL-ANCHORS", message)


def _metadata_problems(reading: SkillReading, doc: SkillDocument) -> Iterator[Problem]:
    pair = doc.root.get("metadata")
    if pair is None or not isinstance(pair.value, Map):
        return
    nested = [each for each in pair.value.pairs if not isinstance(each.value, Scalar)]
    if nested:
        names = ", ".join(each.key.text for each in nested)
        line = doc.line_at(nested[0].key.start)
        message = f"metadata holds lists or mappings ({names}); the standard knows texts only"
        yield _say(reading, "W-SKILL-NESTED-METADATA", message, line=line)
    for each in pair.value.pairs:
        line = doc.line_at(each.key.start)
        if each.key.text == CARRY_KEY:
            message = f"metadata.{CARRY_KEY} is ignored"
            yield _say(
                reading, "W-SKILL-RESERVED-KEY", message, line=line, fix=f"remove {CARRY_KEY}:"
            )
        elif isinstance(each.value, Scalar) and _is_not_text(each.value):
            message = f"metadata.{each.key.text} is not quoted; it is sent as {each.value.text!r}"
            yield _say(reading, "N-SKILL-METADATA-TYPE", message, line=line)


def _is_not_text(node: Scalar) -> bool:
    if node.style or node.forced_text:
        return False
    return scalar_type(node.text) != "str" or typed_scalar(node) != node.text


def _tool_problems(reading: SkillReading, doc: SkillDocument) -> Iterator[Problem]:
    line = doc.line_of("allowed-tools")
    for tool in doc.allowed_tools:
        if any(char.isspace() for char in tool):
            message = f"the tool {tool} holds a space; the exact list is carried along"
            yield _say(reading, "W-SKILL-TOOL-SPACE", message, line=line)
    pair = doc.root.get("allowed-tools")
    if pair is None or not doc.allowed_tools:
        return
    if isinstance(pair.value, Sequence):
        yield _say(reading, "N-SKILL-TOOLS-FORM", "allowed-tools is a list", line=line)
    elif isinstance(pair.value, Scalar) and has_comma(pair.value.text):
        message = "allowed-tools is separated by commas"
        yield _say(reading, "N-SKILL-TOOLS-FORM", message, line=line)


def _text_notes(reading: SkillReading, doc: SkillDocument) -> Iterator[Problem]:
    folder = reading.folder.dir.rpartition("/")[2]
    if doc.name and folder not in {"", ".", doc.name}:
        message = f"the folder is named {folder}, the skill {doc.name}"
        yield _say(reading, "N-SKILL-FOLDER-NAME", message, line=doc.line_of("name"))
    if doc.name.startswith(SERVER_PREFIXES):
        message = f"the server gives {doc.name} a category of its own"
        yield _say(reading, "N-SKILL-CATEGORY", message, line=doc.line_of("name"))
    if doc.description.endswith("\n") and doc.description.strip():
        line = doc.line_of("description")
        message = "the description ends in a line end"
        yield _say(
            reading,
            "N-SKILL-DESCRIPTION-EDGE",
            message,
            line=line,
            fix="write >- for > or |- for |",
        )
    lines = canonical_text(doc.body).count("\n") + 1
    if lines > MAX_BODY_LINES:
        message = f"the text has {lines:,} lines; fewer than {MAX_BODY_LINES} are advised"
        yield _say(reading, "N-SKILL-LONG-BODY", message, line=doc.body_line)
    if doc.parts.bom:
        yield _say(reading, "N-SKILL-BOM", "SKILL.md starts with a byte order mark", line=1)
    if "\r\n" in doc.parts.text:
        yield _say(reading, "N-SKILL-CRLF", "SKILL.md has CRLF line ends")


def _file_problems(reading: SkillReading, carry: CarryMode) -> Iterator[Problem]:
    for path in sorted(reading.empty):
        fate = (
            "it stays local"
            if carry == "local"
            else "it is named in the carry entry and created again in a checkout"
        )
        message = f"{path} is empty; {fate}"
        yield _say(reading, "N-SKILL-EMPTY-FILE", message, path=path)
    count = len(reading.raw_files)
    if count > MANY_FILES and not any(each.code == "E-SKILL-FILES" for each in reading.problems):
        message = f"the skill has {count} bundled files; older servers take {MANY_FILES}"
        yield _say(reading, "N-SKILL-MANY-FILES", message, path="")
    if carry == "local" and reading.executable:
        names = ", ".join(sorted(reading.executable))
        message = f"executable bits are not carried: {names}"
        yield _say(reading, "W-SKILL-MODES", message, path="")
    extra = reading.skill.extra if reading.skill else None
    if carry == "metadata" and extra is not None and carry_is_too_large(extra):
        message = "extra keys, executable and empty files exceed 20,000 bytes and stay local"
        yield _say(reading, "W-SKILL-CARRY-SIZE", message)


# ---------------------------------------------------------------- many skills


def check_skills(readings: Iterable[SkillReading]) -> list[Problem]:
    """Return what only shows when all skills in scope are seen: a name used twice, folders within folders."""
    found = sorted(readings, key=lambda reading: reading.folder.dir)
    return [*_twice(found), *_nested(found)]


def _twice(readings: list[SkillReading]) -> Iterator[Problem]:
    by_name: dict[str, list[SkillReading]] = {}
    for reading in readings:
        if reading.document is not None and reading.document.name:
            by_name.setdefault(reading.document.name, []).append(reading)
    for name, several in sorted(by_name.items()):
        if len(several) < 2:
            continue
        places = " and ".join(place(reading.folder, SKILL_FILE) for reading in several)
        for reading in several:
            line = reading.document.line_of("name") if reading.document else None
            yield _say(
                reading,
                "E-SKILL-DUPLICATE",
                f"the name {name} is used by {places}; neither is synced",
                line=line,
                fix="rename one of them, or take its folder out of the configured roots",
            )


def _nested(readings: list[SkillReading]) -> Iterator[Problem]:
    folders = {reading.folder.dir for reading in readings}
    for reading in readings:
        parts = reading.folder.dir.split("/")
        above = ("/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
        outer = next((folder for folder in above if folder in folders), None)
        if outer is not None:
            message = f"the skill lies inside {outer}; it is a skill of its own"
            yield _say(reading, "N-SKILL-NESTED", message, path="")
