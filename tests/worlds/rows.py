"""A world of one dataset: rows edited here and in the web page, lost answers, crashes, and what must hold after each step.

As in desks.py nothing here asks the engine. A slot is one field group of one row; in a tree without that row it holds
GONE, so that taking a row out and bringing it back are edits like all others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillsync.sync.adopt import Way
from skillsync.sync.report import Outcome, Report
from skillsync.sync.resolve import Choice
from tests.sync.crash import check_silent
from tests.sync.dataset_steps import ITEMS, POINTER, ROWS, dataset_id, key_of
from tests.sync.harness import Clone
from tests.worlds.desks import MOST_RUNS, Desks, Meet, Violation
from tests.worlds.tokens import Token, is_in, is_lost

FIELDS = ("input", "m")
"""The input, which is one group with the output, and one key of the metadata."""

NAME = "cases"
GONE = "gone"
NEVER = Token(GONE, frozenset(), -1)
"""What everybody has in common of a row that nobody made yet."""

Slot = tuple[str, str]
"""A key, ``?INPUT`` for a line without one, and a field."""
Slots = dict[Slot, Token]


def values(row: Mapping[str, Any]) -> dict[str, str]:
    """Read the slots of a line or of an item."""
    return {"input": row["input"], "m": row["metadata"]["m"]}


def key_in(line: Mapping[str, Any]) -> str:
    """Return the key of a line, or how one without a key is called here."""
    return line.get("id") or f"?{line['input']}"


def values_in(lines: Iterable[Mapping[str, Any]]) -> dict[Slot, str]:
    """Read the slots of lines."""
    return {(key_in(line), field): value for line in lines for field, value in values(line).items()}


def _rows_of(found: Mapping[Slot, str]) -> dict[str, list[str]]:
    """Return the values of each row."""
    keys = dict.fromkeys(key for key, _ in found)
    return {key: [found[key, field] for field in FIELDS] for key in keys}


def line_of(key: str, row: Mapping[str, str]) -> str:
    known = {} if key.startswith("?") else {"id": key}
    return json.dumps({**known, "input": row["input"], "metadata": {"m": row["m"]}})


def parsed(text: str) -> list[dict[str, Any]]:
    """Read lines, as a person does who looks past markers."""
    return [json.loads(each) for each in text.splitlines() if each.startswith("{")]


def _has_changed(outcome: Outcome) -> bool:
    return outcome.changed


def _is_back(local: Token, remote: Token, value: str) -> bool:
    """Tell whether the remote went back to what both had seen: for a pull that is no change (7.1, S11)."""
    seen = {token.value for token in local.known & remote.known}
    return value == local.value and remote.value in seen and remote.value != GONE


@dataclass(frozen=True)
class Seen:
    """What was here and there before a run, what it would send, and which keys it may make again once archived."""

    here: Slots
    sent: Slots
    there: Slots
    may_return: Callable[[str], bool]


class RowsWorld(Desks[Slot, Seen]):
    """One example: a dataset, and everything that was done to it."""

    ROOT = "datasets"
    MISSING = NEVER
    TEXTS = (ITEMS,)
    POINTERS = (POINTER, ROWS)

    def __init__(self, folder: Path, *, dialect: str, team: bool, drivers: bool) -> None:
        super().__init__(folder, dialect=dialect, team=team, drivers=drivers)
        self.there: Slots = {}
        self.ids: dict[str, str] = {}
        """The live item of each key."""
        self.archived: dict[str, str] = {}
        """The archived item of each key that is not there now."""
        self.wanted_back: set[str] = set()
        """Keys of which somebody said that what was archived shall be there again."""
        self.clone.dataset(NAME, [])
        for number in range(3):
            self._new_line(f"k{number}")
        self.commit()
        first = self.push()
        assert first is not None
        assert first.exit == 0
        self.dataset = dataset_id(self.live, NAME)
        if team:
            self.pull()
        self.commit()

    # ---------------------------------------------------------------- the file

    def lines(self) -> list[dict[str, Any]]:
        return parsed(self.text(ITEMS))

    def here(self) -> dict[Slot, str]:
        return values_in(self.lines())

    def books(self) -> dict[Slot, str]:
        return {slot: token.value for slot, token in self.work.items() if token.value != GONE}

    def settle(self, meet: Meet[Slot]) -> None:
        """Give every slot its token, those of rows that are not here as well."""
        found = self.here()
        self.work = {slot: meet(slot, found.get(slot, GONE)) for slot in self._slots(found)}

    def _slots(self, *more: Iterable[Slot]) -> list[Slot]:
        """List every slot that somebody knows, in an order that is always the same."""
        return list(
            dict.fromkeys([*self.work, *self.there, *(slot for one in more for slot in one)])
        )

    def is_whole(self, slots: Slots) -> bool:  # noqa: ARG002
        return True

    def _rewrite(self, change: Callable[[dict[str, Any]], str | None]) -> None:
        """Rewrite the lines; None takes one out."""
        texts = [change(line) for line in self.lines()]
        self.clone.write(ITEMS, "".join(f"{text}\n" for text in texts if text is not None))

    def _new_line(self, key: str | None, row: Mapping[str, str] | None = None) -> None:
        """Append a line, by default one of values that nobody used before."""
        row = row or {field: self.fresh() for field in FIELDS}
        name = key or f"?{row['input']}"
        for field in FIELDS:
            before = self.of(self.work, (name, field))
            self.work[name, field] = self.tokens.edit(before, row[field])
        self.clone.write(ITEMS, self.text(ITEMS) + line_of(name, row) + "\n")

    def keys(self, *, own: bool = False) -> list[str]:
        """List the keys of the lines here; ``own``: only those of lines that have one."""
        return sorted({key for key, _ in self.books() if not (own and key.startswith("?"))})

    # ---------------------------------------------------------------- people with files

    @property
    def can_edit(self) -> bool:
        return bool(self.keys(own=True))

    def edit_some(self, number: int) -> None:
        self.edit(number // len(FIELDS), FIELDS[number % len(FIELDS)])

    def web_edit_some(self, number: int) -> None:
        if self.ids:
            self.web_edit(number // len(FIELDS), FIELDS[number % len(FIELDS)])

    def edit(self, number: int, field: str) -> None:
        keys = self.keys(own=True)
        slot = keys[number % len(keys)], field
        self.work[slot] = self.tokens.edit(self.work[slot], self.fresh())
        self._replace_line(slot[0], slot[0])

    def add(self, *, keyed: bool) -> None:
        self._new_line(f"k{next(self._clones) + 100}" if keyed else None)

    def copy(self, number: int) -> None:
        """A line of the same content is a row of its own."""
        keys = self.keys(own=True)
        key = keys[number % len(keys)]
        row = {field: self.work[key, field].value for field in FIELDS}
        self._new_line(f"k{next(self._clones) + 100}", row)

    def drop(self, number: int) -> None:
        keys = self.keys()
        key = keys[number % len(keys)]
        for field in FIELDS:
            self.work[key, field] = self.tokens.edit(self.work[key, field], GONE)
        self._rewrite(lambda line: None if key_in(line) == key else json.dumps(line))

    def rename(self, number: int) -> None:
        """A row under another key is another row (I18)."""
        keys = self.keys(own=True)
        key, new = keys[number % len(keys)], f"k{next(self._clones) + 100}"
        for field in FIELDS:
            before = self.work[key, field]
            self.work[new, field] = self.tokens.edit(NEVER, before.value)
            self.work[key, field] = self.tokens.edit(before, GONE)
        self._replace_line(key, new)

    # ---------------------------------------------------------------- the web page

    def live_keys(self) -> list[str]:
        return sorted(self.ids)

    def _set_there(self, key: str, row: Mapping[str, str]) -> None:
        for field, value in row.items():
            before = self.of(self.there, (key, field))
            if before.value != value:
                self.there[key, field] = self.tokens.edit(before, value)

    def web_edit(self, number: int, field: str, *, back: bool = False) -> None:
        """Write a new value, or the one that was there before the present one."""
        key = self.live_keys()[number % len(self.ids)]
        now = self.there[key, field]
        earlier = [one for one in now.past if one.value not in (now.value, GONE)]
        value = max(earlier, key=lambda one: one.number).value if back and earlier else self.fresh()
        self._set_there(key, {field: value})
        with self.live.api() as client:
            metadata = dict(client.get(f"dataset_items/{self.ids[key]}/").json()["metadata"])
        fields: dict[str, dict[str, Any]] = {
            "input": {"input": value},
            "m": {"metadata": {**metadata, "m": value}},
        }
        self.live.patch_row(self.ids[key], **fields[field])

    def web_add(self) -> None:
        row = {field: self.fresh() for field in FIELDS}
        made = self.live.add_row(self.dataset, input=row["input"], metadata={"m": row["m"]})
        self._set_there(key_of(made), row)
        self.ids[key_of(made)] = made["id"]

    def web_archive(self, number: int) -> None:
        key = self.live_keys()[number % len(self.ids)]
        self.live.patch_row(self.ids[key], deleted=True)
        self.archived[key] = self.ids.pop(key)
        self.wanted_back.discard(key)
        self._set_there(key, dict.fromkeys(FIELDS, GONE))

    def web_restore(self, number: int) -> None:
        """Somebody brings an archived item back as it was (I16)."""
        key = sorted(self.archived)[number % len(self.archived)]
        self.live.patch_row(self.archived[key], deleted=False)
        self.ids[key] = self.archived.pop(key)
        self._set_there(key, values(self._live_items()[key][0]))

    def _live_items(self) -> dict[str, list[dict[str, Any]]]:
        """Return the live items of each key, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        datasets = [one["id"] for one in self.live.datasets() if one["name"] == NAME]
        for item in self.live.rows(datasets[0]) if datasets else []:
            found.setdefault(key_of(item), []).append(item)
        return found

    # ---------------------------------------------------------------- git

    def settle_texts(self, unmerged: set[str]) -> None:
        """A person merges the rows by hand: what both sides changed becomes something new."""
        for path in unmerged:
            sides = [
                values_in(parsed(self.clone.git("show", f":{stage}:{path}", check=False)))
                for stage in (1, 2, 3)
            ]
            merged = {slot: self._by_hand(slot, *sides) for slot in {**sides[1], **sides[2]}}
            kept = [key for key, field in merged if field == FIELDS[0]]
            rows = {key: {field: merged[key, field] for field in FIELDS} for key in kept}
            whole = [line_of(key, row) for key, row in rows.items() if GONE not in row.values()]
            self.clone.write(path, "".join(f"{text}\n" for text in whole))
            self.clone.git("add", path)

    def _by_hand(
        self, slot: Slot, base: dict[Slot, str], here: dict[Slot, str], there: dict[Slot, str]
    ) -> str:
        """Return one slot; a row that only one side has stays where that side edited it."""
        key = slot[0]
        for one, other in ((here, there), (there, here)):
            if slot not in other:
                is_edited = any(one[key, each] != base.get((key, each)) for each in FIELDS)
                return one[slot] if is_edited else GONE
        if here[slot] == there[slot] or there[slot] == base.get(slot):
            return here[slot]
        return there[slot] if here[slot] == base.get(slot) else self.fresh()

    def _finish(self, how: str) -> int:
        stops = super()._finish(how)
        self._tidy()
        return stops

    def _tidy(self) -> None:
        """A person leaves one line of a key where a merge of texts has two."""
        seen: set[str] = set()

        def once(line: dict[str, Any]) -> str | None:
            if key_in(line) in seen:
                return None
            seen.add(key_in(line))
            return json.dumps(line)

        lines = self.lines()
        if len({key_in(line) for line in lines}) < len(lines):
            self._rewrite(once)
            self.amend()

    def met(self, slot: Slot, value: str, here: Token, there: Token, *, is_silent: bool) -> Token:
        """With our driver a merge that says nothing of a conflict is judged as a pull is."""
        if self.drivers and is_silent and not (here.is_picked or there.is_picked):
            self.done["driver judged"] += here is not there
            if is_lost(here, there, value):
                raise Violation(
                    f"git's merge made {value!r} of {here.value!r}, {there.value!r}: {slot}"
                )
        return self.tokens.meet(here, there, value)

    # ---------------------------------------------------------------- skillsync

    def look(self, sent: Slots, clone: Clone) -> Seen:
        return Seen(dict(self.work), sent, dict(self.there), self._may_return(clone))

    def _may_return(self, clone: Clone) -> Callable[[str], bool]:
        """Return what tells of a key whether nothing here says that it was ever there (10.2).

        A row leaves no trace where its base is in no commit: a job writes none (7.3), and what was pushed is committed
        later; nor does it in a commit before the first pointer, but for rows that were resolved upon it, or where that
        was committed alone and counts for nothing. A server of the first generation shows nothing of what it has archived.
        """
        file = clone.path / ROWS
        bases = file.read_text() if file.is_file() else ""
        pointed = {*clone.git("log", "--format=%s", "HEAD", "--", POINTER).splitlines()}
        if not pointed:
            return lambda key: f"\t{key}\t" not in bases
        if pointed == {"part"}:
            return lambda _: True
        if self.live.dialect != "seed":
            return lambda _: False
        bases += clone.git("log", "-p", "-m", "--format=", "HEAD", "--", ROWS)
        return lambda key: f"\t{key}\t" not in bases

    def _relabel(self, *books: Slots) -> None:
        """Give a row that came without a key the one that it was given."""
        found = self.here()
        for key in {key for key, _ in self.work if key.startswith("?")}:
            row = {field: self.of(self.work, (key, field)) for field in FIELDS}
            if row["input"].value == GONE or (key, "input") in found:
                continue
            same = [
                one for one, field in found
                if field == "input" and self.of(self.work, (one, "input")).value == GONE
                and all(found[one, each] == row[each].value for each in FIELDS)
            ]  # fmt: skip
            for slots in (self.work, *books):
                for field in FIELDS if same else ():
                    slots[same[0], field] = slots.pop((key, field), NEVER)

    def judge_push(self, seen: Seen, report: Report | None) -> None:
        if not self.team:
            self._relabel(seen.sent)
        live = self._live_items()
        if gone := self.ids.keys() - live.keys():
            raise Violation(f"a push removed {gone}, which nobody asked for (P11)")
        for key, items in live.items():
            for item in items:
                for field, value in values(item).items():
                    self._judge((key, field), value, seen)
            if key not in self.ids:
                self.archived.pop(key, None)
            self.ids[key] = items[0]["id"]
        if not self.team and report is not None and report.exit in (0, 3, 4):
            self._meet_equals()
        self.done["push blocked"] += report is not None and report.exit == 3

    def _meet_equals(self) -> None:
        """What is equal on both sides, or gone on both, is taken in by a push that writes pointers (I8, I15).

        Of a row that never was here nothing is written down.
        """
        for key in dict.fromkeys(key for key, _ in self._slots()):
            slots = [(key, field) for field in FIELDS]
            pairs = [(self.of(self.work, slot), self.of(self.there, slot)) for slot in slots]
            for slot, (local, remote) in zip(slots, pairs, strict=True):
                is_equal = all(one.value == other.value for one, other in pairs)
                if is_equal and local not in (remote, NEVER):
                    self.work[slot] = self.tokens.meet(local, remote, local.value)

    def _judge(self, slot: Slot, value: str, seen: Seen) -> None:
        before, sent = self.of(seen.there, slot), self.of(seen.sent, slot)
        if value == before.value:
            return
        is_untraced = seen.may_return(slot[0])
        if slot[0] in self.archived.keys() - self.wanted_back and not is_untraced:
            raise Violation(f"{slot[0]} was archived and is there again (P12)")
        if sent.value != value:
            raise Violation(f"{slot} became {value!r}, which nobody asked for")
        may_replace = is_in(before, sent) or (is_untraced and before.value == GONE)
        if not (may_replace or before.is_picked or sent.is_picked):
            raise Violation(f"a push loses {before.value!r} of {slot} for {value!r}")
        is_back = before.value == GONE and before is not NEVER and before not in sent.past
        self.there[slot] = self.tokens.join(sent, before, value) if is_back else sent
        self.published.add(self.there[slot])
        self.done["published"] += 1

    def judge_pull(self, seen: Seen, report: Report | None) -> None:
        self._relabel(seen.here)
        found, before = self.here(), seen.here
        is_open = self._openness(report, found)
        # A line without a key is the row of its content, whatever key that was given elsewhere (10.1).
        keyless = [row for key, row in _rows_of(found).items() if key.startswith("?")]
        remote_rows = _rows_of({slot: token.value for slot, token in self.there.items()})

        def meet(slot: Slot, value: str) -> Token:
            local, remote = self.of(before, slot), self.of(self.there, slot)
            is_kept = local.value == GONE or value == local.value
            is_linked = is_kept and not (value == local.value and is_open(slot[0]))
            if is_linked and GONE in (local.value, remote.value) and seen.may_return(slot[0]):
                # Nothing tells a row that was taken out from one that never was: all of both sides is linked (D3).
                return self.tokens.join(local, remote, value)
            is_here = value == GONE and remote_rows.get(slot[0]) in keyless
            return self._met(slot, value, local, remote, is_open=is_here or is_open(slot[0]))

        self.work = {slot: meet(slot, found.get(slot, GONE)) for slot in self._slots(found, before)}
        self.done["pulled"] += bool(report and any(one.changed for one in report.outcomes))
        self.done["conflict"] += bool(report and report.exit == 4)

    def _openness(self, report: Report | None, found: dict[Slot, str]) -> Callable[[str], bool]:
        """Return what tells of a key whether the remote's row was said not to be taken in."""
        open_ = {one.subject for one in report.outcomes if one.exit} if report else set()
        # A dataset that was taken out of the tree is not pulled (D4).
        is_whole = report is not None and report.exit in (0, 4) and bool(found)
        return lambda key: not is_whole or not open_.isdisjoint({NAME, f"{NAME}:{key}"})

    def _met(self, slot: Slot, value: str, local: Token, remote: Token, *, is_open: bool) -> Token:
        if value == local.value and is_open:
            return local  # the remote's edit was not taken in: a push over it would be judged
        is_picked = local.is_picked or remote.is_picked
        is_lost_here = is_lost(local, remote, value) and not _is_back(local, remote, value)
        if value not in (local.value, remote.value) or (is_lost_here and not is_picked):
            raise Violation(
                f"pull made {value!r} of {local.value!r} here, {remote.value!r} there: {slot}"
            )
        return self.tokens.meet(local, remote, value)

    def adopt(self, way: Way) -> None:
        """A person links what was never linked, with both sides before them."""
        report = self._quietly(lambda: self.clone.adopt(NAME, way))
        if report is None:
            return
        self._relabel()
        found = self.here()
        is_open = self._openness(report, found)

        def meet(slot: Slot, value: str) -> Token:
            local, remote = self.of(self.work, slot), self.of(self.there, slot)
            if value == local.value and is_open(slot[0]):
                return local
            # Whether a row that one side lacks comes or stays away is for the next pull: adopting says "both".
            is_one_sided = value == GONE != remote.value
            return self.tokens.join(local, remote, value, is_picked=is_one_sided)

        self.settle(meet)
        self.wanted_back.update(key for key in self.keys() if key in self.archived)
        self.done["adopted"] += report.exit == 0

    def resolve(self, number: int, choice: Choice) -> None:
        keys = sorted({key for key, _ in self._slots()})
        self._resolve(keys[number % len(keys)], choice)

    def _resolve(self, key: str, choice: Choice) -> None:
        """Settle one row; whoever does has both sides before them."""
        before = self.books()
        report = self._quietly(lambda: self.clone.resolve(f"{NAME}:{key}", choice))
        found = self.here()
        if report is None or report.exit:
            assert found == before
            return
        for field in FIELDS:
            local, remote = self.of(self.work, (key, field)), self.of(self.there, (key, field))
            value = found.get((key, field), GONE)
            self.work[key, field] = self.tokens.join(local, remote, value)
        if (key, "input") in found and choice is not Choice.REMOTE:
            self.wanted_back.add(key)
        self.done["resolved"] += 1

    # ---------------------------------------------------------------- in the end

    def come_to_rest(self) -> None:
        """P3, P4, P13: a person settles what is open, everything comes to rest, and one more run is silent."""
        if self.team:
            self._rewrite_keyed()
        for _ in range(MOST_RUNS):
            pulled = self.pull()
            for one in pulled.outcomes if pulled else ():
                if one.exit == 4 and one.subject.startswith(f"{NAME}:"):
                    self._resolve(one.subject.removeprefix(f"{NAME}:"), Choice.REMOTE)
                if one.code == "E-UNRELATED":
                    self.adopt(Way.REMOTE)
            if self.team:
                self.commit()
            pushed = self.push()
            is_done = pushed is not None and pulled is not None and not pushed.exit + pulled.exit
            if pulled is not None and pulled.exit == 6:
                return  # too much is gone at once, which only a person may believe
            # A job leaves no line: that its rows are taken in is written down by the next pull.
            if is_done and not (self.team and pushed and any(map(_has_changed, pushed.outcomes))):
                break
        else:
            raise Violation(f"it does not come to rest: {pulled}, {pushed}, {self.log[-4:]}")
        check_silent(self.clone, Clone.push, Clone.pull)
        live, found = self._live_items(), self.here()
        if doubled := [key for key, many in live.items() if len(many) > 1]:
            raise Violation(f"{doubled} are there more than once (P13)")
        there = values_in([{**many[0], "id": key} for key, many in live.items()])
        for slot in found.keys() & there.keys():
            if found[slot] != there[slot]:
                raise Violation(f"at rest, but {found[slot]} here and {there[slot]} there: {slot}")
        if lost := {key for key, _ in found.keys() - there.keys()} - self.archived.keys():
            raise Violation(f"at rest, but {lost} are here alone")

    def _rewrite_keyed(self) -> None:
        """A person of a team gives lines their keys before they are published (I22)."""
        for key in [key for key in self.keys() if key.startswith("?")]:
            new = f"k{next(self._clones) + 100}"
            for field in FIELDS:
                self.work[new, field] = self.work.pop((key, field))
            self._replace_line(key, new)

    def _replace_line(self, key: str, new: str) -> None:
        """Write the books' line of ``new`` where that of ``key`` is."""
        text = line_of(new, {field: self.work[new, field].value for field in FIELDS})
        self._rewrite(lambda line: text if key_in(line) == key else json.dumps(line))
