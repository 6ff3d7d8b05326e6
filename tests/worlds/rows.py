"""A world of one dataset: rows edited here and in the web page, lost answers, crashes, and what must hold after each step.

As in world.py nothing here asks the engine: tokens say who had seen what. A slot is one field group of one row.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from skillsync.errors import SkillsyncError
from skillsync.sync.report import Report
from skillsync.sync.resolve import Choice
from tests.failing import When
from tests.sync.crash import Process, check_silent, reborn
from tests.sync.dataset_steps import ITEMS, dataset_id, key_of
from tests.sync.harness import LIVES, Clone, Live, new_clone
from tests.worlds.tokens import Token, Tokens, is_in, is_lost
from tests.worlds.trouble import one_answer_fails
from tests.worlds.world import MOST_RUNS, Violation

FIELDS = ("input", "m")
"""The input, which is one group with the output, and one key of the metadata."""

NAME = "cases"
Row = dict[str, Token]
Rows = dict[str, Row]


def values(row: Mapping[str, Any]) -> dict[str, str]:
    """Read the slots of a line or of an item."""
    return {"input": row["input"], "m": row["metadata"]["m"]}


class RowsWorld:
    """One example: a server with a dataset, a clone of it, and everything that was done to both."""

    def __init__(self, folder: Path, *, dialect: str) -> None:
        self.folder = folder
        self.tokens, self._values, self._clones = Tokens(), count(1), count(1)
        self.live: Live = LIVES[dialect](folder)
        self.clone = new_clone(self.live, folder / "clone-0")
        self.here: Rows = {f"k{number}": self._new_row() for number in range(3)}
        self.there: Rows = {}
        self.ids: dict[str, str] = {}
        self.archived: Rows = {}
        self.wanted_back: set[str] = set()
        """Keys of which somebody said that what was archived shall be there again."""
        self.committed: dict[str, Rows] = {}
        self.log: list[str] = []
        self.clone.dataset(NAME, [self._line(key) for key in self.here])
        self.commit()
        assert self.push().exit == 0  # type: ignore[union-attr]
        self.dataset = dataset_id(self.live, NAME)
        self.commit()

    def close(self) -> None:
        self.live.close()

    def fresh(self) -> str:
        return f"value-{next(self._values)}"

    def _new_row(self) -> Row:
        return {field: self.tokens.first(self.fresh()) for field in FIELDS}

    # ---------------------------------------------------------------- the file

    def _line(self, key: str | None, row: Row | None = None) -> str:
        row = row or self.here[str(key)]
        known = {} if key is None else {"id": key}
        return json.dumps({**known, "input": row["input"].value, "metadata": {"m": row["m"].value}})

    def _lines(self) -> list[dict[str, Any]]:
        file = self.clone.path / ITEMS
        return [json.loads(text) for text in file.read_text().splitlines()] if file.exists() else []

    def _write(self, change: Callable[[dict[str, Any]], str | None]) -> None:
        """Rewrite the lines; None takes one out."""
        texts = [change(line) for line in self._lines()]
        self.clone.write(ITEMS, "".join(f"{text}\n" for text in texts if text is not None))

    def found(self) -> dict[str, dict[str, str]]:
        """The rows in the file, by their keys; those without one by their input."""
        return {line.get("id") or f"?{line['input']}": values(line) for line in self._lines()}

    def _relabel(self) -> None:
        """Give a row that came without a key the one that a push gave it."""
        by_input = {line["input"]: line.get("id") for line in self._lines()}
        for key in [key for key in self.here if key.startswith("?")]:
            if given := by_input.get(key[1:]):
                self.here[given] = self.here.pop(key)

    # ---------------------------------------------------------------- people

    def keys(self) -> list[str]:
        return sorted(self.here)

    def edit(self, number: int, field: str) -> None:
        key = self.keys()[number % len(self.here)]
        if key.startswith("?"):
            return
        self.here[key] = {
            **self.here[key],
            field: self.tokens.edit(self.here[key][field], self.fresh()),
        }
        self._write(lambda line: self._line(key) if line.get("id") == key else json.dumps(line))

    def add(self, *, keyed: bool) -> None:
        row = self._new_row()
        key = f"k{next(self._clones) + 100}" if keyed else None
        self.here[key or f"?{row['input'].value}"] = row
        text = self.clone.read(ITEMS) if (self.clone.path / ITEMS).exists() else ""
        self.clone.write(ITEMS, text + self._line(key, row) + "\n")

    def drop(self, number: int) -> None:
        key = self.keys()[number % len(self.here)]
        del self.here[key]
        self._write(
            lambda line: (
                None if (line.get("id") or f"?{line['input']}") == key else json.dumps(line)
            )
        )

    def web_edit(self, number: int, field: str) -> None:
        key = sorted(self.there)[number % len(self.there)]
        row = self.there[key]
        row = {**row, field: self.tokens.edit(row[field], self.fresh())}
        self.there[key] = row
        with self.live.api() as client:
            metadata = dict(client.get(f"dataset_items/{self.ids[key]}/").json()["metadata"])
        fields: dict[str, dict[str, Any]] = {
            "input": {"input": row["input"].value},
            "m": {"metadata": {**metadata, "m": row["m"].value}},
        }
        self.live.patch_row(self.ids[key], **fields[field])

    def web_add(self) -> None:
        row = self._new_row()
        made = self.live.add_row(
            self.dataset, input=row["input"].value, metadata={"m": row["m"].value}
        )
        self.there[key_of(made)] = row
        self.ids[key_of(made)] = made["id"]

    def web_archive(self, number: int) -> None:
        key = sorted(self.there)[number % len(self.there)]
        self.live.patch_row(self.ids[key], deleted=True)
        self.archived[key] = self.there.pop(key)

    # ---------------------------------------------------------------- git

    def commit(self) -> None:
        self.clone.commit()
        self.committed[self.clone.head()] = dict(self.here)

    def go(self, back: int | None) -> None:
        """Check out an older commit of main, or main; edits come along where git allows it."""
        old = self.clone.head()
        is_clean = not self.clone.git("status", "--porcelain", "--", ITEMS)
        if back is None:
            self.clone.git("switch", "-q", "main", check=False)
        else:
            commits = self.clone.git("rev-list", "--first-parent", "main").split()
            known = [one for one in commits if one in self.committed]
            where = known[back % len(known)]
            self.clone.git(
                "-c", "advice.detachedHead=false", "checkout", "-q", "--detach", where, check=False
            )
        if is_clean and self.clone.head() != old:
            self.here = dict(self.committed[self.clone.head()])

    def reset_hard(self) -> None:
        self.clone.git("reset", "-q", "--hard")
        self.clone.git("clean", "-qfd", "datasets")
        self.here = dict(self.committed[self.clone.head()])

    def stash(self) -> None:
        """What was not committed goes into a stash and stays there."""
        if self.clone.git("status", "--porcelain"):
            self.clone.git("stash", "push", "-q", "-u")
            self.here = dict(self.committed[self.clone.head()])

    def fresh_clone(self) -> None:
        branch = self.clone.git("branch", "--show-current")
        head = self.clone.head()
        self.clone = self.clone.clone(self.folder / f"clone-{next(self._clones)}")
        if not branch:
            self.clone.git("switch", "-q", "main", check=False)
        self.here = dict(self.committed[self.clone.head() if not branch else head])

    def lose_state(self) -> None:
        shutil.rmtree(self.clone.path / ".git/skillsync", ignore_errors=True)
        self.clone = reborn(self.clone)

    # ---------------------------------------------------------------- skillsync

    def _quietly(self, run: Callable[[], Report]) -> Report | None:
        try:
            return run()
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message}")
            return None

    def push(self) -> Report | None:
        report = self._quietly(self.clone.push)
        self._observe()
        return report

    def _observe(self) -> None:
        """Judge what a push made of the server's rows (P1, P2, P11, P12)."""
        self._relabel()
        live: dict[str, list[dict[str, Any]]] = {}
        datasets = [one["id"] for one in self.live.datasets() if one["name"] == NAME]
        for item in self.live.rows(datasets[0]) if datasets else []:
            live.setdefault(key_of(item), []).append(item)
        if gone := self.there.keys() - live.keys():
            raise Violation(f"a push removed {gone}, which nobody asked for (P11)")
        for key, items in live.items():
            for item in items:
                self._judge(key, values(item))
            self.ids[key] = items[0]["id"]

    def _judge(self, key: str, found: dict[str, str]) -> None:
        before, sent = self.there.get(key), self.here.get(key)
        if before is None:
            if key in self.archived and key not in self.wanted_back:
                raise Violation(f"{key} was archived and is there again (P12)")
            if sent is None or found != {field: sent[field].value for field in FIELDS}:
                raise Violation(f"{key} was made as {found}, which nobody asked for")
            self.there[key] = dict(sent)
            self.archived.pop(key, None)
            return
        row = dict(before)
        for field in FIELDS:
            if found[field] == before[field].value:
                continue
            if sent is None or sent[field].value != found[field]:
                raise Violation(f"{key}.{field} became {found[field]!r}, which nobody asked for")
            if not is_in(before[field], sent[field]):
                raise Violation(
                    f"a push loses {before[field].value!r} of {key}.{field} for {found[field]!r}"
                )
            row[field] = sent[field]
        self.there[key] = row

    def pull(self) -> Report | None:
        before = dict(self.here)
        report = self._quietly(self.clone.pull)
        self._take(report, before)
        return report

    def _take(self, report: Report | None, before: Rows) -> None:
        """Judge what a pull made of the lines (P1), and give them their tokens."""
        open_ = {one.subject for one in report.outcomes if one.exit == 4} if report else set()
        found = self.found()
        for key, row in before.items():
            if key in found:
                continue
            last = self.archived.get(key)
            if last is None or not all(is_in(row[field], last[field]) for field in FIELDS):
                raise Violation(f"a pull took out {key}, which was edited here or is there still")
        self.here = {
            key: self._merged(key, row, before.get(key), is_open=f"{NAME}:{key}" in open_)
            for key, row in found.items()
        }

    def _merged(self, key: str, found: dict[str, str], before: Row | None, *, is_open: bool) -> Row:
        there = self.there.get(key)
        if before is None:
            known = there or self.archived.get(key)
            if known is None or found != {field: known[field].value for field in FIELDS}:
                raise Violation(f"{key} came as {found}, which is not what is there")
            return dict(known)
        if there is None:
            if found != {field: before[field].value for field in FIELDS}:
                raise Violation(f"a pull changed {key}, which is not there")
            return before
        return {
            field: self._met(f"{key}.{field}", found[field], before[field], there[field], is_open)
            for field in FIELDS
        }

    def _met(self, slot: str, value: str, local: Token, remote: Token, is_open: bool) -> Token:
        if value == local.value and (is_open or is_lost(local, remote, value)):
            return local  # the remote's edit was not taken in: a push over it would be judged
        if value not in (local.value, remote.value) or is_lost(local, remote, value):
            raise Violation(
                f"pull made {value!r} of {local.value!r} here, {remote.value!r} there: {slot}"
            )
        return self.tokens.meet(local, remote, value)

    def resolve(self, number: int, choice: Choice) -> None:
        keys = sorted({*self.here, *self.there})
        self._resolve(keys[number % len(keys)], choice)

    def _resolve(self, key: str, choice: Choice) -> None:
        """Settle one row; whoever does has both sides before them."""
        before, there = self.here.get(key), self.there.get(key)
        report = self._quietly(lambda: self.clone.resolve(f"{NAME}:{key}", choice))
        found = self.found().get(key)
        if report is None or report.exit:
            kept = {field: before[field].value for field in FIELDS} if before else None
            assert found == kept
            return
        if found is None:
            self.here.pop(key, None)
        elif before and there:
            self.here[key] = {
                field: self.tokens.join(before[field], there[field], found[field])
                for field in FIELDS
            }
        elif known := there or before:
            self.here[key] = dict(known)
        if choice is not Choice.REMOTE:
            self.wanted_back.add(key)

    # ---------------------------------------------------------------- when things go wrong

    def crash(self, verb: str, k: int, when: When) -> None:
        before = dict(self.here)
        run: Callable[[Clone], object] = Clone.push if verb == "push" else Clone.pull
        try:
            Process(k, when=when).run(self.clone, run)
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message}")
        self.clone = reborn(self.clone)
        if verb == "push":
            self._observe()
            self.push()
        else:
            self._take(self._quietly(self.clone.pull), before)

    def fault(self, verb: str, number: int, kind: str) -> None:
        """One request of a run fails: its answer is lost, or the server cannot."""
        with one_answer_fails(self.clone, number, kind):
            self.push() if verb == "push" else self.pull()

    # ---------------------------------------------------------------- what holds always, and in the end

    def check(self) -> None:
        books = {key: {f: row[f].value for f in FIELDS} for key, row in self.here.items()}
        if (found := self.found()) != books:
            raise AssertionError(f"the books are wrong: {found}, {books}")

    def finish(self) -> None:
        """P3, P4, P13: a person settles what is open, everything comes to rest, and one more run is silent."""
        for _ in range(MOST_RUNS):
            pulled = self.pull()
            for one in pulled.outcomes if pulled else ():
                if one.exit == 4 and one.subject.startswith(f"{NAME}:"):
                    self._resolve(one.subject.removeprefix(f"{NAME}:"), Choice.REMOTE)
            pushed = self.push()
            if pushed is not None and pulled is not None and not pushed.exit and not pulled.exit:
                break
        else:
            raise Violation(f"it does not come to rest: {pulled}, {pushed}")
        check_silent(self.clone, Clone.push, Clone.pull)
        live = self.live.rows(self.dataset)
        if doubled := [key for key, many in Counter(map(key_of, live)).items() if many > 1]:
            raise Violation(f"{doubled} are there more than once (P13)")
        found = self.found()
        for item in live:
            if key_of(item) in found and found[key_of(item)] != values(item):
                raise Violation(f"at rest, but {found[key_of(item)]} here and {values(item)} there")
        if lost := found.keys() - {key_of(item) for item in live} - self.archived.keys():
            raise Violation(f"at rest, but {lost} are here alone")
