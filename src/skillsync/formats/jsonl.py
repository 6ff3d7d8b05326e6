"""Edits ``items.jsonl``: gives keys, replaces, appends and removes rows; all other bytes stay (skill-format.md 14.4)."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import (
    canonical_fields,
    canonical_json,
    row_digest,
)
from skillsync.formats.json_edit import (
    JsonStyle,
    ascii_style_of,
    insert_first,
    rewrite,
    style_of,
    write_json,
)
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.formats.row_keys import DerivedKeys, fold_id
from skillsync.formats.row_lines import (
    ItemsFile,
    Line,
    LineReader,
    empty_items,
    parse_items,
    render_items,
)
from skillsync.formats.row_names import ID, Spelling
from skillsync.formats.row_rules import reference_problem, row_problem
from skillsync.model import ROW_FIELDS, Digest, Key, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from skillsync.model import Json

__all__ = [
    "ItemsFile",
    "Line",
    "Spelling",
    "append_rows",
    "assign_keys",
    "canonical_fields",
    "empty_items",
    "parse_items",
    "reference_problem",
    "rekey_rows",
    "remove_rows",
    "render_items",
    "replace_row",
    "replace_rows",
    "row_problem",
]


# ---------------------------------------------------------------- keys


def assign_keys(
    file: ItemsFile, *, known: Sequence[Row], new_key: Callable[[], str] | None
) -> ItemsFile:
    """Return the file with an ``id`` written into every line that has none (I22, sync.md 10.1).

    Lines are served in file order: the key of a ``known`` row (base first, then remote) of equal content that
    no other line claims, else ``new_key()``; without
    ``new_key`` such a line stays as it is. The id becomes the object's first member; nothing else on the line changes.
    """
    if not file.keyless:
        return file
    style = file_style(file)
    taken = {fold_id(key) for key in file.by_key}
    free: defaultdict[Digest, deque[Key]] = defaultdict(deque)
    for row in known:
        free[row_digest(row)].append(row.key)
    parts: list[Line | _NewLine] = []
    for line in file.lines:
        if line.row is None and line.fields is not None:
            key = _free_key(free[digest_of(line.fields)], taken, new_key)
            if key is not None:
                parts.append(_NewLine(with_id(file, line.raw, key, style), Row(key, line.fields)))
                continue
        parts.append(line)
    return _rebuilt(file, parts)


def _free_key(
    candidates: deque[Key], taken: set[str], new_key: Callable[[], str] | None
) -> Key | None:
    """Return the first candidate that is not taken, else a new key if there are any; it is taken from now on."""
    while candidates or new_key:
        key = candidates.popleft() if candidates else Key(new_key()) if new_key else Key("")
        if fold_id(key) not in taken:
            taken.add(fold_id(key))
            return key
    return None


def with_id(file: ItemsFile, raw: bytes, key: Key, default: JsonStyle) -> bytes:
    """Return a line without an id with one as its object's first member; nothing else on it changes."""
    text, end = content_of(raw)
    name = file.names.name_of(ID, file.used, "current")
    return insert_first(text, name, key, style_of(text, default=default)).encode() + end


def rekey_rows(file: ItemsFile, keys: Mapping[Key, Key]) -> ItemsFile:
    """Return the file with another id in the lines of these keys; nothing else on a line changes.

    ``keys`` maps the key that a line has to the one that it gets. Raises InvalidContent for an id that cannot be,
    or that another line has.
    """
    if not keys.keys() & file.by_key.keys():
        return file
    taken = {fold_id(key) for key in file.by_key.keys() - keys.keys()}
    for key in keys.values():
        if fold_id(key) in taken:
            raise InvalidContent(f"the id {key!r} is in the file already", path=file.path)
    style = file_style(file)
    parts: list[Line | _NewLine] = []
    for line in file.lines:
        new = keys.get(line.row.key) if line.row is not None else None
        if line.row is None or new is None:
            parts.append(line)
        else:
            parts.append(_NewLine(_rekeyed(file, line, new, style), Row(new, line.row.fields)))
    return _rebuilt(file, parts)


def _rekeyed(file: ItemsFile, line: Line, key: Key, default: JsonStyle) -> bytes:
    if line.derived:
        return with_id(file, line.raw, key, default)
    text, end = content_of(line.raw)
    old = read_json(text)
    assert isinstance(old, dict)
    new = {name: key if file.names.field_of[name] == ID else value for name, value in old.items()}
    return rewrite(text, new, style_of(text, default=default)).encode() + end


# ---------------------------------------------------------------- rows


def replace_row(file: ItemsFile, row: Row, *, spelling: Spelling) -> ItemsFile:
    """Return the file with one row's line changed to hold ``row``; see ``replace_rows``."""
    return replace_rows(file, [row], spelling=spelling)


def replace_rows(file: ItemsFile, rows: Iterable[Row], *, spelling: Spelling) -> ItemsFile:
    """Return the file with the lines of these rows changed; a row that is equal by value keeps its bytes.

    A changed line keeps its key order at every depth (new keys come last), its separators, escapes and line
    end, and the bytes of every value that did not change. ``spelling`` names fields that no line has yet.
    Raises KeyError for a key that is not in the file, InvalidContent for a row that cannot be written.
    """
    wanted = {row.key: row for row in rows}
    changed = {key: row for key, row in wanted.items() if _differs(file.by_key[key], row)}
    if not changed:
        return file
    style = file_style(file)
    parts: list[Line | _NewLine] = []
    for line in file.lines:
        row = changed.get(line.row.key) if line.row is not None else None
        parts.append(line if row is None else _replaced(file, line, row, spelling, style))
    return _rebuilt(file, parts)


def append_rows(file: ItemsFile, rows: Sequence[Row], *, spelling: Spelling) -> ItemsFile:
    """Return the file with these rows added at its end, in the given order and in the file's style.

    A missing final newline is added first, so that no two rows share a line. A new file gets LF, ``", "``,
    ``": "``, plain Unicode. Raises InvalidContent for a row that cannot be written or whose key is taken.
    """
    if not rows:
        return file
    taken = {fold_id(key) for key in file.by_key}
    style, end = file_style(file), _line_end(file)
    parts: list[Line | _NewLine] = list(file.lines)
    if file.lines and not file.lines[-1].raw.endswith(b"\n"):
        last = file.lines[-1]
        parts[-1] = Line(last.number, last.raw + end, last.row, last.fields, last.derived)
    for number, row in enumerate(rows, start=len(parts) + 1):
        if fold_id(row.key) in taken:
            raise InvalidContent(f"the id {row.key!r} is in the file already", path=file.path)
        taken.add(fold_id(row.key))
        parts.append(_NewLine(new_line(file, row, spelling, style, number) + end, row))
    return _rebuilt(file, parts)


def remove_rows(file: ItemsFile, keys: Collection[Key], *, keyless: bool = False) -> ItemsFile:
    """Return the file without the lines of these keys; the other lines keep their bytes and their order.

    ``keyless``: the lines that have no key go as well.
    """
    gone = set(keys)
    loose = {id(line) for line in file.keyless} if keyless else set()
    kept = [
        line
        for line in file.lines
        if id(line) not in loose and (line.row is None or line.row.key not in gone)
    ]
    return file if len(kept) == len(file.lines) else _rebuilt(file, kept)


# ---------------------------------------------------------------- changing lines


def _differs(line: Line, row: Row) -> bool:
    return line.row is None or row_digest(line.row) != row_digest(row)


def _replaced(
    file: ItemsFile, line: Line, row: Row, spelling: Spelling, default: JsonStyle
) -> _NewLine:
    return _NewLine(replaced_line(file, line, row, spelling, default), row)


def replaced_line(
    file: ItemsFile, line: Line, row: Row, spelling: Spelling, default: JsonStyle
) -> bytes:
    """Return a row's line, its end included, changed to hold ``row``. Raises InvalidContent."""
    text, end = content_of(line.raw)
    old = read_json(text)
    if not isinstance(old, dict) or line.fields is None:
        raise InvalidContent("the line holds no row", path=file.path, line=line.number)
    new = _merged(file, old, line.fields, row, spelling)
    try:
        return rewrite(text, new, style_of(text, default=default)).encode() + end
    except (JsonTrouble, UnicodeEncodeError) as error:
        raise unwritable(file, row, line.number, error) from error


def _merged(
    file: ItemsFile,
    old: Mapping[str, Json],
    fields: Mapping[str, Json],
    row: Row,
    spelling: Spelling,
) -> dict[str, Json]:
    """Return the members that the line shall have: its own names and order first, then what is new."""
    new: dict[str, Json] = {}
    for name, value in old.items():
        field = file.names.field_of[name]
        if field == ID or _same_field(field, fields.get(field), row.fields.get(field)):
            new[name] = value
        elif (wanted := row.fields.get(field)) is not None or field == "input":
            new[name] = wanted
    there = canonical_fields(row.fields)
    for field in ROW_FIELDS:
        if field not in fields and field in there:
            new[file.names.name_of(field, file.used, spelling)] = row.fields[field]
    return new


def _same_field(field: str, one: Json, other: Json) -> bool:
    return canonical_json(canonical_fields({field: one})) == canonical_json(
        canonical_fields({field: other})
    )


def new_line(file: ItemsFile, row: Row, spelling: Spelling, style: JsonStyle, number: int) -> bytes:
    """Return a line without its end: id, input, expected_output, metadata, the rest; null ones left out."""
    members: dict[str, Json] = {}
    if file.keys == "id":
        members[file.names.name_of(ID, file.used, spelling)] = row.key
    there = canonical_fields(row.fields)
    for field in ROW_FIELDS:
        if field == "input" or field in there:
            members[file.names.name_of(field, file.used, spelling)] = row.fields.get(field)
    try:
        return write_json(members, style).encode()
    except (JsonTrouble, UnicodeEncodeError) as error:
        raise unwritable(file, row, number, error) from error


def unwritable(file: ItemsFile, row: Row, number: int, reason: object) -> InvalidContent:
    """The error for a row that no line can hold."""
    return InvalidContent(
        f"the row {row.key!r} cannot be written: {reason}", path=file.path, line=number
    )


# ---------------------------------------------------------------- putting a file together


@dataclass(frozen=True, slots=True)
class _NewLine:
    """A line to be read, and the row it must then hold."""

    raw: bytes
    row: Row


def _rebuilt(file: ItemsFile, parts: Iterable[Line | _NewLine]) -> ItemsFile:
    """Return the file made of kept lines and of new ones, which are read as anyone will read them.

    Raises InvalidContent when a new line would not be accepted, or does not say what it should.
    """
    reader = LineReader(file.path, file.names, file.limits)
    lines: list[tuple[Line, Row | None]] = []
    for number, part in enumerate(parts, start=1):
        if isinstance(part, _NewLine):
            line = reader.read_line(part.raw, number)
            if line.fields is None or digest_of(line.fields) != row_digest(part.row):
                raise unwritable(file, part.row, number, "it would not read back as it is")
            lines.append((line, part.row))
        else:
            line = part.numbered(number)
            lines.append((line, line.row))
    settled = _settled(file, lines, reader) if file.keys == "content" else (x for x, _ in lines)
    return replace(file, lines=tuple(settled), used={**reader.used, **file.used})


def _settled(
    file: ItemsFile, lines: Sequence[tuple[Line, Row | None]], reader: LineReader
) -> Iterator[Line]:
    """Yield the lines of a file with derived keys: where the derived one is not the row's, the id is written."""
    style = file_style(file)
    derived = DerivedKeys(x.row.key for x, _ in lines if x.row is not None and not x.derived)
    for line, row in lines:
        if row is None or (line.row is not None and not line.derived):
            yield line
        elif derived.is_next(row.fields, row.key):
            key = derived.next_key(row.fields)
            yield replace(line, row=Row(key, line.fields or {}), derived=True)
        else:
            yield reader.read_line(with_id(file, line.raw, row.key, style), line.number)


def digest_of(fields: Mapping[str, Json]) -> Digest:
    """Return the digest of a row with these fields."""
    return row_digest(Row(Key(""), fields))


def content_of(raw: bytes) -> tuple[str, bytes]:
    """Return a line's text and its line end."""
    text = raw.removesuffix(b"\n").removesuffix(b"\r")
    return text.decode(), raw[len(text) :]


def file_style(file: ItemsFile) -> JsonStyle:
    """Return the style of a file's first row; whether it escapes Unicode is seen in any line."""
    first = next((line.raw for line in file.lines if line.fields is not None), b"")
    if any(not line.raw.isascii() for line in file.lines):
        ascii_only = False
    else:
        ascii_only = any(ascii_style_of(x.raw.decode()) for x in file.lines if b"\\u" in x.raw)
    return replace(style_of(content_of(first)[0]), ascii_only=ascii_only)


def _line_end(file: ItemsFile) -> bytes:
    """Return the line end that most lines have; LF when there is none or a tie."""
    windows = sum(line.raw.endswith(b"\r\n") for line in file.lines)
    plain = sum(line.raw.endswith(b"\n") for line in file.lines) - windows
    return b"\r\n" if windows > plain else b"\n"
