"""The fault dial: which request meets which trouble, read from a TOML or JSON file and counted; no I/O but that file."""

from __future__ import annotations

import json
import random
import threading
import tomllib
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ALWAYS = 0
"""``times`` of a fault that never ends."""

_SELECTION = frozenset({"kind", "method", "path", "skip", "times", "chance"})
KINDS: Mapping[str, frozenset[str]] = {
    "delay": frozenset({"seconds"}),
    "slow": frozenset({"seconds", "bytes"}),
    "race": frozenset(),
    "lost_race": frozenset(),
    "status": frozenset({"status", "when", "retry_after", "content_type"}),
    "reset": frozenset({"when"}),
    "truncate": frozenset({"bytes"}),
    "content_type": frozenset({"content_type", "body"}),
    "gzip_bomb": frozenset({"megabytes"}),
    "redirect": frozenset({"location", "status"}),
    "stale": frozenset({"seconds"}),
}
"""The kinds, and the options that each takes beside those that select requests."""

_METHODS = frozenset({"*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WHEN = {"status": ("before", "after"), "reset": ("before", "during", "after")}
_NEEDED: Mapping[str, tuple[str, ...]] = {"delay": ("seconds",), "stale": ("seconds",), "status": ("status",), "redirect": ("location",)}  # fmt: skip


class FaultsInvalid(ValueError):
    """The file cannot be used; the message names every mistake with the fault it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One trouble, and the requests that meet it.

    ``path`` is a pattern (``*``, ``?``, ``[…]``) for the path below the project, such as
    ``llm_skills/name/*``, without a slash at its end. Of the requests that match, ``skip`` pass unharmed, then
    ``times`` meet the fault (0: all), each with the probability ``chance``.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    skip: int = 0
    times: int = 1
    chance: float = 1.0
    seconds: float = 0.1
    """Of a delay; between the pieces of a slow body; how long reads stay stale."""
    bytes: int = -1
    """Of one piece of a slow body (default 1); what is left of a truncated one (default half)."""
    status: int = 0
    when: str = "before"
    """Before or after the request was carried out; ``during``: carried out, and half of the answer was sent."""
    retry_after: str = ""
    content_type: str = ""
    body: str = ""
    """Sent in place of the answer's own body."""
    megabytes: int = 1024
    """Of a gzip bomb when it is unpacked."""
    location: str = ""

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of those that may meet the fault."""
        return self.method in ("*", method) and fnmatchcase(path, self.path)

    def __str__(self) -> str:
        shown = {
            "status": f"{self.status} {self.when} it is carried out",
            "reset": f"reset {self.when}",
        }
        return shown.get(self.kind, self.kind.replace("_", " "))


@dataclass(slots=True)
class _Count:
    chances: random.Random
    seen: int = 0
    met: int = 0


@dataclass(frozen=True, slots=True)
class Met:
    """A request that met a fault."""

    method: str
    path: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.fault}"


@dataclass
class Dial:
    """Says which fault a request meets: the first one that matches and has a turn left. Safe among threads.

    The same faults, seed and order of requests give the same troubles. ``met`` remembers the latest ones.
    """

    faults: Sequence[Fault] = ()
    seed: int = 0
    on_met: Callable[[Met], None] | None = None
    met: list[Met] = field(default_factory=list)
    _counts: list[_Count] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.turn_to(*self.faults)

    def turn_to(self, *faults: Fault) -> None:
        """Begin anew with these faults; with none, trouble is over."""
        with self._lock:
            self.faults = faults
            self.met = []
            # A generator for each, so that one fault's luck does not depend on the others' requests.
            self._counts = [
                _Count(random.Random(f"{self.seed}/{number}"))  # noqa: S311 - luck, not a secret
                for number in range(len(faults))
            ]

    def pick(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted as met; None for most."""
        with self._lock:
            for fault, count in zip(self.faults, self._counts, strict=True):
                if fault.kind != "stale" and fault.matches(method, path) and _turn(fault, count):
                    return self._meet(method, path, fault)
        return None

    def stale_seconds(self, method: str, path: str) -> float | None:
        """How long reads of this path stay as they were after a write; None when they do not."""
        for fault in self.faults:
            if fault.kind == "stale" and fault.matches(method, path):
                return fault.seconds
        return None

    def note_stale(self, method: str, path: str) -> bool:
        """Whether one more read may be answered as it was before; counted when so."""
        with self._lock:
            for fault, count in zip(self.faults, self._counts, strict=True):
                if fault.kind == "stale" and fault.matches(method, path) and _turn(fault, count):
                    self._meet(method, path, fault)
                    return True
        return False

    def _meet(self, method: str, path: str, fault: Fault) -> Fault:
        met = Met(method, path, fault)
        self.met.append(met)
        del self.met[:-1000]
        if self.on_met:
            self.on_met(met)
        return fault


def _turn(fault: Fault, count: _Count) -> bool:
    count.seen += 1
    if count.seen <= fault.skip or (fault.times != ALWAYS and count.met >= fault.times):
        return False
    if fault.chance < 1 and count.chances.random() >= fault.chance:
        return False
    count.met += 1
    return True


def read_faults(path: Path) -> Dial:
    """The dial of a TOML file, or of a JSON one when its name ends in ``.json``.

    ``seed = 7`` and tables ``[[fault]]`` with the fields of Fault. FaultsInvalid names every mistake; OSError
    when there is no such file.
    """
    text = path.read_bytes().decode("utf-8", errors="replace")
    try:
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise FaultsInvalid(f"{path.name}: {error}") from error
    return dial_from(document)


def dial_from(document: object) -> Dial:
    """The dial of a parsed file; FaultsInvalid with every mistake."""
    if not isinstance(document, dict):
        raise FaultsInvalid("the file must hold a table with `seed` and [[fault]] tables")
    problems = [f"unknown key {name!r}" for name in document if name not in {"seed", "fault"}]
    seed = document.get("seed", 0)
    if type(seed) is not int:
        problems.append("`seed` must be a whole number")
    tables = document.get("fault", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append("`fault` must be a list of tables: write [[fault]]")
        tables = []
    for number, table in enumerate(tables, 1):
        problems += [f"fault {number}: {problem}" for problem in _problems(table)]
    if problems:
        raise FaultsInvalid("; ".join(problems))
    return Dial(tuple(Fault(**table) for table in tables), seed=seed)


_TYPES = {"str": str, "int": int, "float": (int, float)}
_FIELDS: Mapping[str, Any] = {each.name: _TYPES[str(each.type)] for each in fields(Fault)}


def _problems(table: Mapping[str, Any]) -> list[str]:
    """Every mistake of one [[fault]] table."""
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return [f"`kind` must be one of {', '.join(KINDS)}, not {kind!r}"]
    known = _SELECTION | KINDS[kind]
    found = [
        f"{kind} takes no {name!r}; it takes {', '.join(sorted(known - {'kind'}))}"
        for name in table
        if name not in known
    ]
    found += [f"{kind} needs `{name}`" for name in _NEEDED.get(kind, ()) if name not in table]
    given = {name: value for name, value in table.items() if name in known}
    for name, value in given.items():
        if not isinstance(value, _FIELDS[name]) or isinstance(value, bool):
            found.append(f"`{name}` cannot be {value!r}")
    return found or _out_of_range(Fault(**given))


def _out_of_range(fault: Fault) -> list[str]:
    checks = {
        "`method` must be one of " + ", ".join(sorted(_METHODS)): fault.method in _METHODS,
        "`skip` and `times` must not be negative": fault.skip >= 0 and fault.times >= 0,
        "`chance` must be more than 0 and at most 1": 0 < fault.chance <= 1,
        "`seconds` must be from 0 to 3600": 0 <= fault.seconds <= 3600,
        "`bytes` must not be negative": fault.bytes >= -1,
        "`megabytes` must be from 1 to 4096": 1 <= fault.megabytes <= 4096,
        "`status` must be an error from 400 to 599": fault.kind != "status" or 400 <= fault.status <= 599,
        "`status` must be 301, 302, 303, 307 or 308": fault.kind != "redirect" or fault.status in {0, 301, 302, 303, 307, 308},
        "`when` must be " + " or ".join(_WHEN.get(fault.kind, ())): fault.kind not in _WHEN or fault.when in _WHEN[fault.kind],
        "headers have no line ends": not {"\r", "\n"} & set(fault.retry_after + fault.content_type + fault.location),
    }  # fmt: skip
    return [problem for problem, is_fine in checks.items() if not is_fine]
