"""A sealed plan: what a push was planned from and will do, as a file that can be checked and compared (sync.md 12.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import NoReturn

from skillsync.core.plan import Action, Effect, Side, What
from skillsync.errors import PlanUnreadable
from skillsync.formats.canonical import canonical_json
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.model import Json

SCHEMA = "skillsync.sealed-plan/1"
CANON = "canon:1"
MAX_BYTES = 64 * 1024 * 1024
_MOST_TEXT = 4_096
"""Characters of one text in a plan: names, keys and ids are far shorter."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What one object was when the plan was made; a fact that differs makes the plan stale.

    ``remote`` is a version with its id and incarnation, an item with its last change, or ``absent``; ``local`` the
    digests of the content, or ``absent``; ``base`` what was taken in; ``step`` what push makes of it.
    """

    what: str
    name: str
    key: str
    local: str
    remote: str
    base: str
    step: str

    @property
    def subject(self) -> str:
        """``NAME`` or ``NAME:KEY``."""
        return f"{self.name}:{self.key}" if self.key else self.name


@dataclass(frozen=True, slots=True)
class SealedPlan:
    """A plan of a push and everything it depends on. ``head`` None: there is no commit. ``id`` makes it one of its kind."""

    id: str
    tool: str
    canon: str
    head: str | None
    mode: str
    target: str
    place: str
    names: tuple[str, ...]
    archive: tuple[str, ...]
    max_removals: int | None
    facts: tuple[Fact, ...]
    actions: tuple[Action, ...]

    @property
    def content(self) -> dict[str, Json]:
        """Everything but the seal, as JSON."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "tool": self.tool,
            "canon": self.canon,
            "head": self.head,
            "mode": self.mode,
            "target": self.target,
            "place": self.place,
            "names": list(self.names),
            "archive": list(self.archive),
            "max_removals": self.max_removals,
            "facts": [_texts(fact) for fact in self.facts],
            "actions": [_texts(action) for action in self.actions],
        }

    @property
    def seal(self) -> str:
        """The digest of the content: a plan that was cut off or edited no longer has it."""
        return "sha256:" + sha256(canonical_json(self.content).encode()).hexdigest()


def _texts(value: Fact | Action) -> dict[str, Json]:
    return {field.name: str(getattr(value, field.name)) for field in fields(value)}


def render_sealed(plan: SealedPlan) -> bytes:
    """Return the file: JSON, one fact or action a line, so that two plans can be compared line by line."""
    lines = ["{"]
    for name, value in plan.content.items():
        if isinstance(value, list) and value:
            items = ",\n".join(f"    {canonical_json(item)}" for item in value)
            lines.append(f'  "{name}": [\n{items}\n  ],')
        else:
            lines.append(f'  "{name}": {canonical_json(value)},')
    lines += [f'  "seal": "{plan.seal}"', "}", ""]
    return "\n".join(lines).encode()


def parse_sealed(data: bytes, *, path: str) -> SealedPlan:
    """Read a plan's file, trusting nothing in it. Raises PlanUnreadable naming what is wrong."""
    reader = _Reader(path)
    if len(data) > MAX_BYTES:
        reader.bad(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        value = read_json(data.decode())
    except UnicodeDecodeError:
        reader.bad("it is not UTF-8 text")
    except JsonTrouble as trouble:
        reader.bad(f"it is no JSON that may be read: {trouble.message}")
    found = reader.mapping(value, "it")
    schema = found.get("schema")
    if schema != SCHEMA:
        reader.bad(
            f"it is of another format ({schema!r:.60})" if "schema" in found else "it has no schema"
        )
    seal = reader.text(found, "seal")
    plan = reader.plan(found)
    unknown = set(found) - set(plan.content) - {"seal"}
    if unknown:
        reader.bad(f"it has unknown parts: {', '.join(sorted(unknown))[:200]}")
    # What read_json accepts, canonical JSON can be written of: no surrogates, no endless numbers.
    if plan.seal != seal:
        reader.bad("its content does not fit its seal: it was edited or cut off")
    return plan


@dataclass(frozen=True, slots=True)
class _Reader:
    path: str

    def bad(self, why: str) -> NoReturn:
        raise PlanUnreadable(
            f"{self.path} is no plan that can be used: {why}",
            subject=self.path,
            unchanged="Nothing was published.",
            hint="skillsync plan -o FILE makes one",
        )

    def mapping(self, value: Json, what: str) -> Mapping[str, Json]:
        if not isinstance(value, dict):
            self.bad(f"{what} is not an object")
        return value

    def text(self, found: Mapping[str, Json], name: str) -> str:
        return self._text(found.get(name), name)

    def _text(self, value: Json, name: str) -> str:
        if not isinstance(value, str) or len(value) > _MOST_TEXT:
            self.bad(f"{name!r} is missing or no text of a fitting length")
        return value

    def items(self, found: Mapping[str, Json], name: str) -> Sequence[Json]:
        value = found.get(name)
        if not isinstance(value, list):
            self.bad(f"{name!r} is missing or no list")
        return value

    def plan(self, found: Mapping[str, Json]) -> SealedPlan:
        limit = found.get("max_removals")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
            self.bad("'max_removals' is no number")
        return SealedPlan(
            id=self.text(found, "id"),
            tool=self.text(found, "tool"),
            canon=self.text(found, "canon"),
            head=None if found.get("head") is None else self.text(found, "head"),
            mode=self.text(found, "mode"),
            target=self.text(found, "target"),
            place=self.text(found, "place"),
            names=tuple(self._text(one, "names") for one in self.items(found, "names")),
            archive=tuple(self._text(one, "archive") for one in self.items(found, "archive")),
            max_removals=limit,
            facts=tuple(self._fact(one) for one in self.items(found, "facts")),
            actions=tuple(self._action(one) for one in self.items(found, "actions")),
        )

    def _fact(self, value: Json) -> Fact:
        return Fact(**self._named(value, "a fact", [field.name for field in fields(Fact)]))

    def _action(self, value: Json) -> Action:
        texts = self._named(value, "an action", [field.name for field in fields(Action)])
        try:
            effect, side, what = Effect(texts["effect"]), Side(texts["side"]), What(texts["what"])
        except ValueError as error:
            self.bad(f"an action is of an unknown kind: {error}")
        rest = {name: texts[name] for name in ("name", "key", "precondition", "detail")}
        return Action(effect, side, what, **rest)

    def _named(self, value: Json, what: str, names: Sequence[str]) -> dict[str, str]:
        found = self.mapping(value, what)
        if set(found) != set(names):
            self.bad(f"{what} does not have exactly the parts {', '.join(names)}")
        return {name: self.text(found, name) for name in names}


def differences(planned: Sequence[Fact], found: Sequence[Fact]) -> list[str]:
    """Say in words how the facts differ from those that a plan was made from; none: the plan still holds."""
    before = {(fact.what, fact.name, fact.key): fact for fact in planned}
    now = {(fact.what, fact.name, fact.key): fact for fact in found}
    words = []
    for at in sorted(before.keys() | now.keys()):
        one, other = before.get(at), now.get(at)
        if one is None or other is None:
            there = one or other
            assert there is not None
            words.append(f"{there.subject} {'is new' if one is None else 'is not there any more'}")
        elif one != other:
            words.append(f"{one.subject}: {_changed(one, other)}")
    return words


def _changed(one: Fact, other: Fact) -> str:
    if one.remote != other.remote:
        return f"the remote was {_short(one.remote)} and is {_short(other.remote)}"
    if one.local != other.local:
        return "its content here changed"
    if one.base != other.base:
        return f"what was taken in was {_short(one.base)} and is {_short(other.base)}"
    return f"push would {one.step!r} and would now {other.step!r}"


def _short(text: str) -> str:
    return (text.split(" first=")[0] or "nothing")[:80]
