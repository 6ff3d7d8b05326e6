"""The canonical form of content and its digest, ``canon:1`` (sync.md 6): equal content, equal digest.

Everything here is idempotent (P9): the canonical form of a canonical form is itself, and what a server that
trims texts, reorders keys and rewrites numbers gives back has the digest of what was sent.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING
from unicodedata import normalize

from skillsync.errors import InvalidContent
from skillsync.model import Digest, Extra, KnownFields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from skillsync.model import DatasetInfo, Json, Key, Row, Skill

ALGORITHM = "canon:1:sha256:"
"""What every digest starts with; a pointer names the algorithm with it."""

_BOM = "\ufeff"
_LINE_END = re.compile(r"\r+\n")


# ---------------------------------------------------------------- texts and JSON


def canonical_text(text: str) -> str:
    """Return ``text`` without a leading BOM, with LF line ends, trimmed as the server trims (``str.strip``).

    The rule of sync.md 6, applied until nothing changes, so that a text beginning with two BOMs or holding
    CR CR LF has one form, too. A lone CR stays.
    """
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    text = text.strip()
    while text.startswith(_BOM):
        text = text.removeprefix(_BOM).strip()
    return text


def canonical_json(value: Json) -> str:
    """Return compact JSON with sorted keys and the numbers of sync.md 6; equal values, equal text.

    Integers are exact; any other number is the nearest double, written as an integer when integral (``1e22``,
    ``100.0``), ``-0.0`` as ``0``. Raises InvalidContent for a number that is not finite, an integer of more
    than 4,300 digits, and nesting that is too deep for the interpreter.
    """
    try:
        return _encode(_plain_numbers(value) if _has_float(value) else value)
    except (RecursionError, ValueError) as error:
        raise _unwritable(error) from error


def _unwritable(error: RecursionError | ValueError) -> InvalidContent:
    if isinstance(error, RecursionError):
        return InvalidContent("the value is nested too deeply")
    return InvalidContent(f"the value cannot be written as JSON: {error}")


def text_leaves(value: Json) -> Json:
    """Return ``value`` with every leaf as text: ``true``, ``null``, ``1.0`` as JSON writes them.

    Skill metadata is compared that way (skill-format.md 5.2). Raises InvalidContent on a number that is not
    finite.
    """
    match value:
        case str():
            return value
        case dict():
            return {key: text_leaves(item) for key, item in value.items()}
        case list():
            return [text_leaves(item) for item in value]
        case float() if not math.isfinite(value):
            raise _not_finite(value)
        case _:
            return json.dumps(value)


def _plain_numbers(value: Json) -> Json:
    """Return ``value`` with floats that are integral as integers."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _not_finite(value)
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    return value


def _has_float(value: Json) -> bool:
    """Tell whether there is a number that may have to be written in another way: most values have none."""
    if isinstance(value, dict):
        return _any_float(value.values())
    return _any_float(value) if isinstance(value, list) else isinstance(value, float)


def _any_float(items: Iterable[Json]) -> bool:
    for item in items:
        kind = type(item)
        if kind is str:
            continue
        if kind is float:
            return True
        if kind is dict and _any_float(item.values()):  # type: ignore[union-attr]
            return True
        if kind is list and _any_float(item):  # type: ignore[arg-type]
            return True
    return False


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
)


def _encoder() -> Callable[[Json], str]:
    """Return how JSON is written: ``_ENCODER.encode``, without the parts of it that are made anew for each call."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _ENCODER.encode
    quoted = json.encoder.encode_basestring
    chunks = make(
        None, _ENCODER.default, quoted, None, ":", ",", True, False, True
    )  # positional in C
    return lambda value: "".join(chunks(value, 0))


_encode = _encoder()


def _not_finite(value: float) -> InvalidContent:
    return InvalidContent(f"{value} is not a JSON number")


# ---------------------------------------------------------------- skills


def skill_digest(skill: Skill, *, stand_in: Extra | None = None) -> Digest:
    """Return the digest of a skill's canonical content; its name is identity and not part of it.

    An ``extra`` that is unknown (None) is replaced by ``stand_in``, the other side's, so that a missing carry
    entry is never a difference by itself. A carried tool list is the canonical ``allowed_tools`` and is hashed
    as that only.
    """
    extra = skill.extra if skill.extra is not None else stand_in or Extra()
    tools = skill.allowed_tools if extra.allowed_tools is None else extra.allowed_tools
    files = sorted(
        (_path(path), _sha256(canonical_text(text))) for path, text in skill.files.items()
    )
    return _digest(
        {
            "description": canonical_text(skill.description),
            "license": canonical_text(skill.license),
            "compatibility": canonical_text(skill.compatibility),
            "allowed_tools": [tool.strip() for tool in tools],
            "metadata": text_leaves(dict(skill.metadata)),
            "body": canonical_text(skill.body),
            "files": [[path, digest] for path, digest in files],
            "extra": {
                "frontmatter": dict(extra.frontmatter),
                "executable": [*sorted({_path(path) for path in extra.executable})],
                "empty": [*sorted({_path(path) for path in extra.empty})],
            },
        }
    )


def same_skill(a: Skill, b: Skill) -> bool:
    """Tell whether two skills have equal canonical content; an unknown ``extra`` equals the other's."""
    return skill_digest(a, stand_in=b.extra) == skill_digest(b, stand_in=a.extra)


def files_digest(files: Iterable[tuple[str, bytes]]) -> str:
    """Return 32 hex characters for the (path, content) pairs of a folder; their order does not matter.

    It is what a pointer's stamp remembers (design.md 3). A change of line ends alone is no change. A path may
    hold bytes that are no UTF-8, as a file system has them.
    """
    return digest_of_digests(
        (path, sha256(data.replace(b"\r\n", b"\n")).hexdigest()) for path, data in files
    )


def digest_of_digests(files: Iterable[tuple[str, str]]) -> str:
    """As ``files_digest``, of (path, SHA-256 of the content with LF line ends)."""
    digests = sorted(
        (path.encode(errors="surrogateescape").decode(errors="backslashreplace"), digest)
        for path, digest in files
    )
    return _sha256(canonical_json([[path, digest] for path, digest in digests]))[:32]


def _path(path: str) -> str:
    """Return the form of ``path`` that is compared (skill-format.md 7)."""
    return normalize("NFC", path)


# ---------------------------------------------------------------- rows and datasets


def canonical_fields(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return a row's fields as they are compared: null ones left out, ``{}`` metadata as null.

    The reference fields take the form that the server gives them (datasets-api.md 2.3): a timestamp in UTC with
    at most microseconds, the two ids trimmed. A timestamp that nobody can read stays as it is.
    """
    canonical: dict[str, Json] = dict(fields)
    if None in canonical.values():
        canonical = {name: value for name, value in canonical.items() if value is not None}
    if canonical.get("metadata") == {}:
        del canonical["metadata"]
    if _REFERENCES.isdisjoint(canonical):
        return canonical
    for name in ("source_trace_id", "source_event_id"):
        if isinstance(text := canonical.get(name), str):
            canonical[name] = text.strip()
    if isinstance(time := canonical.get("source_timestamp"), str):
        canonical["source_timestamp"] = canonical_time(time) or time
    return canonical


_REFERENCES = frozenset({"source_trace_id", "source_event_id", "source_timestamp"})


def canonical_time(text: str) -> str | None:
    """Return an ISO 8601 time in UTC (no zone means UTC, a bare date midnight), or None if it is not one."""
    try:
        time = datetime.fromisoformat(text.strip())
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return None


def row_digest(row: Row) -> Digest:
    """Return the digest of a row's fields; its key is identity and not part of it.

    A missing field equals null, and missing, null and ``{}`` metadata are one value.
    """
    fields = row.fields
    if type(fields) is dict:
        try:
            if _is_plain(fields):
                return Digest(ALGORITHM + _sha256(_encode(fields)))
        except (RecursionError, ValueError) as error:
            raise _unwritable(error) from error
    if isinstance(fields, KnownFields):
        return fields.digest
    return _digest(canonical_fields(fields))


def _is_plain(fields: dict[str, Json]) -> bool:
    """Tell whether fields are in their canonical form, and can be written as they are: nearly all are."""
    for value in fields.values():
        kind = type(value)
        if kind is str:
            continue
        if kind is dict:
            if not value or _any_float(value.values()):  # type: ignore[union-attr]
                return False
        elif kind is list:
            if _any_float(value):  # type: ignore[arg-type]
                return False
        elif kind is not int and kind is not bool:
            return False
    return _REFERENCES.isdisjoint(fields)


def rows_digest(rows: Iterable[tuple[Key, Digest]]) -> Digest:
    """Return the digest of a dataset's rows, given as (key, row digest); their order does not matter."""
    return keyed_digest(dict(rows))


def keyed_digest(rows: Mapping[Key, str]) -> Digest:
    """As ``rows_digest``, of key to row digest; written down in pieces, as there may be a million of them."""
    hashed = sha256(b"[")
    keys = iter(sorted(rows))
    is_first = True
    while some := _pairs(islice(keys, _AT_ONCE), rows):
        hashed.update(b"" if is_first else b",")
        hashed.update(canonical_json(some)[1:-1].encode())
        is_first = False
    hashed.update(b"]")
    return Digest(ALGORITHM + hashed.hexdigest())


def _pairs(keys: Iterable[Key], rows: Mapping[Key, str]) -> list[Json]:
    return [[key, rows[key]] for key in keys]


_AT_ONCE = 1_000


def info_digest(info: DatasetInfo) -> Digest:
    """Return the digest of a dataset's name, description and metadata (D6).

    Metadata that is no mapping counts as null: it is kept on the server and never in a file
    (skill-format.md 14.6); ``{}`` equals null, because the server's copy loses our own key when it is read.
    """
    return _digest(
        {
            "name": canonical_text(info.name),
            "description": canonical_text(info.description),
            "metadata": info.metadata
            if isinstance(info.metadata, dict) and info.metadata
            else None,
        }
    )


# ---------------------------------------------------------------- hashing


def short(digest: Digest) -> str:
    """Return the first 16 hex characters of a digest, as the pointer's rows have them."""
    return digest.rpartition(":")[2][:16]


def _digest(value: Json) -> Digest:
    return Digest(ALGORITHM + _sha256(canonical_json(value)))


def _sha256(text: str) -> str:
    try:
        return sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidContent("the text holds an unpaired surrogate") from error
