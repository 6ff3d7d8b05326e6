"""`.skillsync-baseline.yaml`: findings that somebody accepted, by name, with a reason and until when.

It is read from the base, so that no range pardons itself, and bound to the file's content: an edited file opens a
finding again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from skillsync.errors import ConfigError
from skillsync.formats.yaml_tree import Map, Node, Scalar, Sequence, YamlTrouble, read_tree
from skillsync.review.values import Accepted, Finding

FILE = ".skillsync-baseline.yaml"
MAX_BYTES = 1_000_000
_MEMBERS = ("rule", "path", "fingerprint", "reason", "owner", "expires")


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding. ``expires`` is the last day on which it counts."""

    rule: str
    path: str
    fingerprint: str
    reason: str
    owner: str
    expires: date


def parse_baseline(data: bytes | None) -> tuple[Entry, ...]:
    """Read the file's bytes (None: there is no file). Raises ConfigError naming entry and member."""
    if data is None:
        return ()
    if len(data) > MAX_BYTES:
        raise _wrong(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        root = read_tree(data.decode("utf-8-sig").replace("\r\n", "\n")).root
    except UnicodeDecodeError as error:
        raise _wrong("it is not UTF-8 text") from error
    except YamlTrouble as trouble:
        raise _wrong(trouble.message) from trouble
    if root is None:
        return ()
    if not isinstance(root, Map):
        raise _wrong("it is no mapping with `accepted:`")
    pair = root.get("accepted")
    known = {"version", "accepted"}
    if extra := [one.key.text for one in root.pairs if one.key.text not in known]:
        raise _wrong(f"{extra[0]!r} is no part of it")
    if pair is None or (isinstance(pair.value, Scalar) and not pair.value.text):
        return ()
    if not isinstance(pair.value, Sequence):
        raise _wrong("`accepted:` is no list")
    return tuple(_entry(node, number) for number, node in enumerate(pair.value.items, start=1))


def _entry(node: Node, number: int) -> Entry:
    if not isinstance(node, Map):
        raise _wrong(f"entry {number} is no mapping")
    found: dict[str, str] = {}
    for pair in node.pairs:
        if pair.key.text not in _MEMBERS:
            raise _wrong(f"entry {number}: {pair.key.text!r} is no part of an entry")
        if isinstance(pair.value, Scalar):
            found[pair.key.text] = pair.value.text.strip()
    missing = [name for name in _MEMBERS if not found.get(name)]
    if missing:
        raise _wrong(f"entry {number} has no {', '.join(missing)}")
    try:
        expires = date.fromisoformat(found.pop("expires"))
    except ValueError as error:
        raise _wrong(f"entry {number}: expires is no date such as 2027-01-31") from error
    return Entry(**found, expires=expires)


def _wrong(why: str) -> ConfigError:
    return ConfigError(
        f"{FILE} cannot be used: {why}",
        subject=FILE,
        unchanged="Nothing was reviewed.",
        hint=f"mend {FILE} on the base branch",
    )


def accept(findings: Iterable[Finding], entries: Iterable[Entry], *, today: date) -> list[Finding]:
    """Return the findings with those marked that an entry accepts; an expired one accepts nothing."""
    by_print: Mapping[tuple[str, str, str], Entry] = {
        (one.rule, one.path, one.fingerprint): one for one in entries if one.expires >= today
    }
    return [_accepted(one, by_print.get((one.rule, one.path, one.fingerprint))) for one in findings]


def _accepted(finding: Finding, entry: Entry | None) -> Finding:
    if entry is None:
        return finding
    until = entry.expires.isoformat()
    return replace(finding, accepted=Accepted("baseline", entry.owner, entry.reason, until))
