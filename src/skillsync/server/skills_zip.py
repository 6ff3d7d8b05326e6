"""Skills as zip archives: packing one for download, reading one that is sent (skills-api.md 10.2, 10.3)."""

from __future__ import annotations

import io
import mimetypes
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from rest_framework.exceptions import ValidationError

from skillsync.server.exceptions import BareError
from skillsync.server.skills_limits import (
    MAX_BODY_BYTES,
    MAX_COMPATIBILITY,
    MAX_FILE_BYTES,
    MAX_LICENSE,
    MAX_NAME,
    MAX_PATH,
    path_problem,
    require_name,
    size_of,
)
from skillsync.server.skills_markdown import skill_md
from skillsync.server.skills_spec import SIDECAR, long_description, spec_problems
from skillsync.server.skills_versions import FileText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skillsync.server.dialects import Dialect
    from skillsync.server.models import Skill

MAX_ZIP_BYTES = 10_000_000
MAX_MEMBERS = 500
MAX_TOTAL_BYTES = 80_000_000
MAX_MEMBER_BYTES = 2_000_000
_BLOCK = re.compile(r"---[^\n]*\n(.*?)^---[^\n]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def packed(skill: Skill, files: Sequence[FileText]) -> bytes:
    """The archive; BareError 400 with ``problems`` when the skill does not meet the specification."""
    problems = [
        text if (path := problem["file_path"]) is None else f"file '{path}': {text}"
        for problem in spec_problems(skill.name, skill.description, [file.path for file in files])
        if (text := problem["message"] or "")
    ]
    if problems:
        text = "Couldn't download this skill because it doesn't meet the Agent Skills spec."
        raise BareError(400, {"detail": f"{text} {' '.join(problems)}", "problems": problems})
    contents = {SIDECAR: _sidecar(skill)} | {file.path: file.content for file in files}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{skill.name}/SKILL.md", skill_md(skill))
        sidecar_first = sorted(contents, key=lambda path: (path != SIDECAR, path))
        for path in sidecar_first:
            archive.writestr(f"{skill.name}/{path}", contents[path])
    return target.getvalue()


def _sidecar(skill: Skill) -> str:
    shown = skill.name.replace("-", " ")
    interface = {
        "display_name": shown[:1].upper() + shown[1:],
        "short_description": skill.description,
    }
    return yaml.safe_dump({"interface": interface}, sort_keys=False, allow_unicode=True)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive says a skill is; texts are as they are, not trimmed."""

    name: str
    content: Mapping[str, Any]
    files: Sequence[FileText]


def unpacked(data: bytes, *, dialect: Dialect) -> Unpacked:
    """Read an archive; BareError 400 names what is wrong with it."""
    members = _members(data)
    at = _skill_md(members)
    prefix = at.removesuffix("SKILL.md")
    text = _text(at, members[at])
    front, body = _split(text)
    skill = Unpacked(front["name"], _content(front, body), list(_files(members, prefix)))
    problems = list(_problems(skill, dialect))
    if problems:
        detail = "Couldn't import this zip because it doesn't meet the Agent Skills spec."
        raise BareError(400, {"detail": f"{detail} {' '.join(problems)}", "problems": problems})
    if max(Counter(file.path for file in skill.files).values(), default=1) > 1:
        raise _bad("Duplicate bundled file paths in the zip.")
    if len(skill.files) > dialect.max_files:
        raise _bad(f"Skill exceeds the maximum of {dialect.max_files} bundled files.")
    return skill


def _bad(detail: str) -> BareError:
    return BareError(400, {"detail": detail})


def _members(data: bytes) -> dict[str, bytes]:
    """Contents by path. The sizes that the archive declares are checked before anything is unpacked."""
    if len(data) > MAX_ZIP_BYTES:
        raise _bad(f"Zip must be {MAX_ZIP_BYTES} bytes or fewer.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _bad("The uploaded file is not a valid zip archive.") from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAX_MEMBERS:
        raise _bad(f"The zip contains too many files (max {MAX_MEMBERS}).")
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise _bad("The zip's uncompressed contents are too large.")
    _require_one_skill_md([entry.filename for entry in entries])
    members: dict[str, bytes] = {}
    for entry in entries:
        if entry.file_size > MAX_MEMBER_BYTES:
            raise _bad(f"'{entry.filename}' is too large.")
        try:
            with archive.open(entry) as member:
                content = member.read(MAX_MEMBER_BYTES + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
            raise _bad("The uploaded file is not a valid zip archive.") from error
        if len(content) > MAX_MEMBER_BYTES:
            raise _bad(f"'{entry.filename}' is too large.")
        path = entry.filename.replace("\\", "/")
        if path in members:
            raise _bad("Duplicate bundled file paths in the zip.")
        members[path] = content
    return members


def _require_one_skill_md(names: Iterable[str]) -> None:
    found = [name for name in names if name.replace("\\", "/").rpartition("/")[2] == "SKILL.md"]
    if not found:
        raise _bad("The zip does not contain a SKILL.md file.")
    if len(found) > 1:
        raise _bad("The zip contains multiple SKILL.md files; expected exactly one.")


def _skill_md(members: Mapping[str, bytes]) -> str:
    return next(path for path in members if path.rpartition("/")[2] == "SKILL.md")


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(f"'{path}' must be UTF-8 text; binary files are not supported.") from error


def _split(text: str) -> tuple[dict[str, Any], str]:
    match = _BLOCK.match(text)
    if match is None or not match[1].strip():
        raise _bad("SKILL.md is missing its YAML frontmatter block.")
    try:
        front = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad(f"SKILL.md frontmatter is not valid YAML: {error}") from error
    if not isinstance(front, dict):
        raise _bad("SKILL.md frontmatter must be a key/value mapping.")
    if not isinstance(front.get("name"), str):
        raise _bad("SKILL.md frontmatter is missing a 'name'.")
    return front, text[match.end() :].removeprefix("\n")


def _content(front: Mapping[str, Any], body: str) -> dict[str, Any]:
    tools = front.get("allowed-tools")
    metadata = front.get("metadata")
    kept = metadata if isinstance(metadata, dict) else {}
    return {
        "description": _as_text(front.get("description")),
        "body": body,
        "license": _as_text(front.get("license")),
        "compatibility": _as_text(front.get("compatibility")),
        "allowed_tools": tools.split() if isinstance(tools, str) else _strings(tools),
        "metadata": {str(key): str(value) for key, value in kept.items() if key != "version"},
    }


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _files(members: Mapping[str, bytes], prefix: str) -> Iterable[FileText]:
    for path, content in members.items():
        inner = path.removeprefix(prefix)
        if not path.startswith(prefix) or inner in {"SKILL.md", SIDECAR}:
            continue
        guessed, _ = mimetypes.guess_type(inner)
        yield FileText(inner, _text(path, content), guessed or "text/plain")


def _problems(skill: Unpacked, dialect: Dialect) -> Iterable[str]:
    """Every field rule that the skill breaks, as texts."""
    content = skill.content
    yield from _name_problems(skill.name, dialect)
    if not content["description"].strip():
        yield "description is required and must be non-empty"
    elif len(content["description"]) > dialect.max_description:
        yield long_description(len(content["description"]))
    if size_of(content["body"]) > MAX_BODY_BYTES:
        yield f"Skill body must be {MAX_BODY_BYTES} bytes or fewer."
    if any(char.isspace() for tool in content["allowed_tools"] for char in tool):
        yield "Tool names cannot contain whitespace."
    for field, most in (("license", MAX_LICENSE), ("compatibility", MAX_COMPATIBILITY)):
        if len(content[field]) > most:
            yield f"{field} must be {most} characters or fewer"
    if any("\0" in text for text in _texts(skill)):
        yield "Null characters are not allowed."
    folded = Counter(file.path.lower() for file in skill.files)
    for file in skill.files:
        problem = path_problem(file.path, dialect=dialect)
        if problem is not None:
            yield f"file '{file.path}': {problem}"
        if len(file.path) > MAX_PATH:
            yield f"file '{file.path}': path must be {MAX_PATH} characters or fewer"
        if size_of(file.content) > MAX_FILE_BYTES:
            yield f"file '{file.path}': content must be {MAX_FILE_BYTES} bytes or fewer"
        if folded[file.path.lower()] > 1:
            yield f"file '{file.path}': collides with another file (case-insensitive)"


def _name_problems(name: str, dialect: Dialect) -> Iterable[str]:
    if len(name) > MAX_NAME:
        yield f"Skill name must be {MAX_NAME} characters or fewer."
        return
    try:
        require_name(name, dialect=dialect)
    except ValidationError as error:
        yield from (str(text) for text in error.detail)


def _texts(skill: Unpacked) -> Iterable[str]:
    content = skill.content
    yield from (content[name] for name in ("description", "body", "license", "compatibility"))
    yield from content["allowed_tools"]
    for pair in content["metadata"].items():
        yield from pair
    for file in skill.files:
        yield from (file.path, file.content)
