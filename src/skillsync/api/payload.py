"""The pure door between the API's JSON and the model: what a publish sends, and its answer held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.api.reading import (
    ManifestEntry,
    check_text,
    manifest_from,
    shown_name,
    skill_from,
    version_from,
)
from skillsync.api.rows import (
    dataset_from,
    dataset_payload,
    item_payload,
    metadata_with_key,
    metadata_without_key,
    row_from,
)
from skillsync.errors import BadAnswer, InvalidContent
from skillsync.formats.canonical import canonical_text
from skillsync.formats.carry import CARRY_KEY, encode_carry
from skillsync.formats.paths import content_type, is_never_sent
from skillsync.model import Extra, Json, RemoteFile, RemoteSkill, Skill, Version

if TYPE_CHECKING:
    from skillsync.formats.skill_folder import SkillReading

__all__ = [
    "ManifestEntry",
    "Published",
    "SkillPayload",
    "dataset_from",
    "dataset_payload",
    "item_payload",
    "manifest_from",
    "metadata_with_key",
    "metadata_without_key",
    "published_from",
    "row_from",
    "skill_from",
    "skill_payload",
    "version_from",
]


@dataclass(frozen=True, slots=True)
class SkillPayload:
    """What a publish sends and what the new version shall hold.

    ``fields`` is the JSON without name and base: every field and the full file list, or no ``files`` in the one
    exception of sync.md A2. ``files`` are all files of the new version, those carried along included;
    ``first`` is the incarnation that is built upon, "" for a new skill, and ``aside`` the files that are carried
    along because git ignores them here.
    """

    name: str
    fields: Mapping[str, Json]
    files: tuple[RemoteFile, ...]
    first: str = ""
    aside: frozenset[str] = frozenset()


def skill_payload(
    reading: SkillReading, *, previous: RemoteSkill | None, skill: Skill | None = None
) -> SkillPayload:
    """Build what a publish sends: all fields and all files, always (sync.md A2).

    Local texts go as they are in the files. ``previous`` is the version that is built upon, None to create.
    ``skill`` replaces the folder's own content (a merge result that is not written yet); texts that are equal in
    canonical form still go as the folder has them. Raises InvalidContent when the folder has no valid skill, or
    when the server holds an empty file that a full replacement cannot repeat.
    """
    content = skill or reading.skill
    if content is None:
        raise InvalidContent("the skill cannot be read", path=reading.folder.dir)
    types = {file.path: file.content_type for file in previous.files} if previous else {}
    texts = {path: _raw(reading.raw_files.get(path), text) for path, text in content.files.items()}
    wanted = {
        path: RemoteFile(path, text, types.get(path) or content_type(path))
        for path, text in texts.items()
    }
    files = _with_carried_along(wanted, previous)
    tools = content.allowed_tools
    has_spaced = any(character.isspace() for tool in tools for character in tool)
    extra = replace(content.extra or Extra(), allowed_tools=tools if has_spaced else None)
    carry = encode_carry(
        extra,
        omitted=reading.omitted,
        edges=reading.edges,
        force=previous is not None and previous.carried,
    )
    if reading.carry == "local":
        carry = None
    metadata: dict[str, Json] = {k: v for k, v in content.metadata.items() if k != CARRY_KEY}
    if carry is not None:
        metadata[CARRY_KEY] = carry
    fields: dict[str, Json] = {
        "description": content.description,
        "body": _raw(reading.raw_body, content.body),
        "license": content.license,
        "compatibility": content.compatibility,
        "allowed_tools": list((previous.stored_tools if previous else ()) if has_spaced else tools),
        "metadata": metadata,
    }
    if previous is not None and _keeps_files(files, previous, extra):
        files = {file.path: file for file in previous.files}
    else:
        fields["files"] = [
            {"path": file.path, "content": file.text, "content_type": file.content_type}
            for _, file in sorted(files.items())
        ]
    return SkillPayload(
        name=content.name,
        fields=fields,
        files=tuple(file for _, file in sorted(files.items())),
        first=previous.version.first if previous else "",
        aside=previous.aside if previous else frozenset(),
    )


def _raw(raw: str | None, text: str) -> str:
    """The text as the local file has it, where it says the same."""
    return raw if raw is not None and canonical_text(raw) == canonical_text(text) else text


def _with_carried_along(
    wanted: Mapping[str, RemoteFile], previous: RemoteSkill | None
) -> dict[str, RemoteFile]:
    """Add the remote files that we never write and so must not remove (sync.md F22)."""
    stored = previous.files if previous else ()
    aside = previous.aside if previous else frozenset()
    along = {
        file.path: file
        for file in stored
        if (is_never_sent(file.path) or file.path in aside)
        and canonical_text(file.text)
        and file.path not in wanted
    }
    return {**along, **wanted}


def _keeps_files(files: Mapping[str, RemoteFile], previous: RemoteSkill, extra: Extra) -> bool:
    """Tell whether ``files`` must be left out: the one exception of sync.md A2.

    An empty file on the server that is still wanted here cannot be sent again, so it survives only where the
    server copies all files; with any change in the others there is no request that says so.
    """
    kept = [
        path
        for path in previous.unsendable
        if path in extra.empty or is_never_sent(path) or path in previous.aside
    ]
    if not kept:
        return False
    stored = {
        file.path: canonical_text(file.text)
        for file in previous.files
        if file.path not in previous.unsendable
    }
    is_same = stored == {path: canonical_text(file.text) for path, file in files.items()}
    if is_same and len(kept) == len(previous.unsendable):
        return True
    raise InvalidContent(
        f"the server holds the empty file {kept[0]!r}, which cannot be sent again together with other changes"
        " of files",
        subject=previous.version.name,
        path=kept[0],
        hint="put a character into the file, or remove it on both sides",
    )


@dataclass(frozen=True, slots=True)
class Published:
    """An accepted publish: ``skill`` is the answer's content with the files that were sent, as stored."""

    version: Version
    skill: RemoteSkill
    manifest: tuple[ManifestEntry, ...] = ()


def published_from(detail: Json, *, payload: SkillPayload, number: int) -> Published:
    """Hold the answer of a create or publish against what was sent (sync.md 9.2; 14.6 #101, #103).

    Raises BadAnswer, indeterminate, when the version is not ``number``, is of another incarnation, or lists
    other files: then somebody has to look before anything is repeated.
    """
    try:
        version = version_from(detail, name=payload.name)
        _require_successor(version, payload, number=number)
        manifest = manifest_from(detail, name=payload.name)
        files = _stored_files(manifest, payload)
        skill = skill_from(detail, files, version=version, aside=payload.aside)
        return Published(version, skill, manifest)
    except BadAnswer as error:
        error.indeterminate = True
        error.subject = payload.name
        raise


def _require_successor(version: Version, payload: SkillPayload, *, number: int) -> None:
    subject = f"skill {shown_name(payload.name)}"
    if version.number != number:
        raise BadAnswer(
            f"{subject}: published as v{version.number} ({version.id}) where v{number} was due",
            reason="unexpected-version",
        )
    if payload.first and version.first != payload.first:
        raise BadAnswer(
            f"{subject}: v{version.number} ({version.id}) belongs to the skill created"
            f" {version.first}, not to the one created {payload.first} that it was made from",
            reason="incarnation",
        )


def _stored_files(
    manifest: tuple[ManifestEntry, ...], payload: SkillPayload
) -> tuple[RemoteFile, ...]:
    """What the server keeps of the files: trimmed when they were sent (skills-api.md 2.2), else untouched."""
    subject = f"skill {shown_name(payload.name)}"
    if [entry.path for entry in manifest] != [file.path for file in payload.files]:
        raise BadAnswer(f"{subject}: the new version lists other files than were sent")
    was_sent = "files" in payload.fields
    stored = []
    for file, entry in zip(payload.files, manifest, strict=True):
        text = file.text.strip() if was_sent else file.text
        check_text(text, entry, name=payload.name)
        stored.append(RemoteFile(file.path, text, entry.content_type))
    return tuple(stored)
