"""Replacing text in a body or a file by ``edits`` (skills-api.md 3). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillsync.server.exceptions import BareError
from skillsync.server.skills_limits import MAX_BODY_BYTES, MAX_FILE_BYTES, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def edited_body(body: str, edits: Sequence[Mapping[str, str]]) -> str:
    """The body after the edits; BareError 400 names the edit that cannot be made."""
    text = _edited(body, edits, place=" in the skill body", many_place="", path=None)
    if size_of(text) > MAX_BODY_BYTES:
        raise _refusal(
            f"Resulting skill body exceeds the {MAX_BODY_BYTES} byte size limit.",
            index=len(edits) - 1,
            path=None,
        )
    return text


def edited_file(content: str, edits: Sequence[Mapping[str, str]], *, path: str) -> str:
    """The file after the edits; BareError 400 names the file and the edit that cannot be made."""
    place = f" in file '{path}'"
    text = _edited(content, edits, place=place, many_place=place, path=path)
    if size_of(text) > MAX_FILE_BYTES:
        raise _refusal(
            f"Edited file '{path}' exceeds the {MAX_FILE_BYTES} byte size limit.",
            index=len(edits) - 1,
            path=path,
        )
    return text


def _edited(
    text: str,
    edits: Sequence[Mapping[str, str]],
    *,
    place: str,
    many_place: str,
    path: str | None,
) -> str:
    for index, edit in enumerate(edits):
        matches = text.count(edit["old"])  # non-overlapping, as the contract counts
        if matches == 0:
            raise _refusal(f"Text to replace was not found{place}.", index=index, path=path)
        if matches > 1:
            raise _refusal(
                f"Text to replace matches {matches} times{many_place} — provide more context to "
                "make it unique.",
                index=index,
                path=path,
            )
        text = text.replace(edit["old"], edit["new"])
    return text


def _refusal(detail: str, *, index: int, path: str | None) -> BareError:
    body: dict[str, object] = {"detail": detail, "edit_index": index}
    if path is not None:
        body["file_path"] = path
    return BareError(400, body)
