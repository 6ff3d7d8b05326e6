"""A world of one skill in one repository: people on both sides, git, skillsync, and what must hold after each step.

As in desks.py nothing here asks the engine what it believes. A slot is one line of the skill.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from skillsync.sync.adopt import Way
from skillsync.sync.report import Report
from skillsync.sync.resolve import Choice
from skillsync.sync.restore import RestoreRequest, restore
from skillsync.sync.undo import UndoRequest, undo
from tests.sync.crash import check_silent
from tests.sync.harness import Clone
from tests.worlds.desks import MOST_RUNS, Desks, Meet, Violation
from tests.worlds.tokens import Token, is_in, is_lost

NAME = "alpha"
OTHER_NAME = "beta"
FOLDER = f"skills/{NAME}"
SKILL, NOTES, POINTER = (f"{FOLDER}/{name}" for name in ("SKILL.md", "notes.md", ".skillsync"))
SLOTS = (0, 1, 2)
"""The first two are lines of the body, the third is one of a bundled file."""

_LINE = re.compile(r"^slot (\d): (.*)$", re.MULTILINE)
Slots = dict[int, Token]
NOTHING: Mapping[int, str] = {}


def body_of(values: Mapping[int, str]) -> str:
    return f"slot 0: {values[0]}\n\nBetween.\n\nMore between.\n\nslot 1: {values[1]}"


def notes_of(values: Mapping[int, str]) -> str:
    return f"slot 2: {values[2]}"


@dataclass
class Version:
    """A version that the server has; ``slots`` is what really went into it."""

    id: str
    number: int
    first: str
    slots: Slots
    is_own: bool
    """Whether skillsync made it, not a person in the web page."""

    @property
    def values(self) -> dict[int, str]:
        """What it says."""
        return {slot: token.value for slot, token in self.slots.items()}


def values_in(text: str) -> dict[int, str]:
    """Read the slots of a text; raises ValueError where one is there twice, between markers."""
    found = _LINE.findall(text)
    if len({number for number, _ in found}) < len(found):
        raise ValueError(text)
    return {int(number): value for number, value in found}


def disputed_in(text: str) -> set[int]:
    """Name the slots that stand between markers."""
    inside, found = False, set()
    for line in text.splitlines():
        if line.startswith("<<<<<<<"):
            inside = True
        elif line.startswith(">>>>>>>"):
            inside = False
        elif inside and (match := _LINE.match(line)):
            found.add(int(match[1]))
    return found


@dataclass(frozen=True)
class Seen:
    """What was here and there before a run, what it would send, and whether it may make a skill that is archived.

    ``base`` is what the version said that the pointer named.
    """

    here: Slots
    sent: Slots
    there: Version | None
    versions: int
    may_create: bool
    base: Mapping[int, str]


class World(Desks[int, Seen]):
    """One example: a skill, and everything that was done to it."""

    ROOT = "skills"
    TEXTS = (SKILL, NOTES)
    POINTERS = (POINTER,)

    def __init__(self, folder: Path, *, dialect: str, team: bool, drivers: bool = False) -> None:
        super().__init__(folder, dialect=dialect, team=team, drivers=drivers)
        self.versions: list[Version] = []
        self.is_archived = False
        self.taken_back: set[Token] = set()
        self._write({slot: self.tokens.first(f"first-{slot}") for slot in SLOTS})
        self.commit()
        assert self.clone.push().exit == 0
        self._observe(self.work)
        self.commit()

    # ---------------------------------------------------------------- what is here

    def _write(self, slots: Slots) -> None:
        values = {slot: token.value for slot, token in slots.items()}
        self.clone.skill(NAME, body_of(values) + "\n")
        self.clone.write(NOTES, notes_of(values) + "\n")
        self.work = dict(slots)

    def here(self) -> dict[int, str]:
        """The values in the working tree; empty when the skill's folder is gone."""
        return values_in(self.text(SKILL)) | values_in(self.text(NOTES))

    def settle(self, meet: Meet[int]) -> None:
        """Give every slot that is here now its token."""
        self.work = {slot: meet(slot, value) for slot, value in self.here().items()}

    # ---------------------------------------------------------------- the web page

    def _publish_there(self, slots: Slots) -> None:
        values = {slot: token.value for slot, token in slots.items()}
        files = [{"path": "notes.md", "content": notes_of(values)}]
        self.live.edit(NAME, body=body_of(values), files=files)
        self._observe(slots, user="web")

    @property
    def latest(self) -> Version | None:
        return self.versions[-1] if self.versions and not self.is_archived else None

    def web_edit(self, slot: int) -> None:
        assert self.latest
        new = self.tokens.edit(self.latest.slots[slot], self.fresh())
        self._publish_there({**self.latest.slots, slot: new})

    def web_revert(self, back: int) -> None:
        assert self.latest
        same = [one for one in self.versions if one.first == self.latest.first]
        old = same[-1 - back % len(same)]
        slots = {
            slot: now if now.value == old.slots[slot].value
            else self.tokens.edit(now, old.slots[slot].value)
            for slot, now in self.latest.slots.items()
        }  # fmt: skip
        self._publish_there(slots)

    def web_archive(self) -> None:
        self.live.archive(NAME)
        self.is_archived = True

    def web_rename(self, slot: int) -> None:
        """Rename it, edit it under the new name, and rename it back once a pull has followed (S20).

        Where a tree has no pointer, as a team's has none, that its skill has another name there is known from the
        latest version's marker alone: only an own version is renamed for it, and not edited. A conflict that shows
        under the new name is given up before it is renamed back.
        """
        assert self.latest
        if (self.clone.path / "skills" / OTHER_NAME).exists() or self.live.skill(OTHER_NAME):
            return  # what was made again, renamed, and could not be followed back, lies there
        if not self.latest.is_own and (self.team or not self.text(POINTER)):
            return
        self.live.rename(NAME, OTHER_NAME)
        there = dict(self.latest.slots)
        if not self.team and self.latest.slots[slot] is self.work[slot]:
            there[slot] = self.tokens.edit(there[slot], self.fresh())
            values = {each: token.value for each, token in there.items()}
            files = [{"path": "notes.md", "content": notes_of(values)}]
            self.live.edit(OTHER_NAME, body=body_of(values), files=files)
        before = self.live.version(OTHER_NAME)
        self._quietly(self.clone.push)
        if self.live.version(OTHER_NAME) != before or self.live.skill(NAME):
            raise Violation("a push wrote over a skill that was renamed there (S20)")
        here = dict(self.work)
        self._quietly(self.clone.pull)
        self.live.rename(OTHER_NAME, NAME)
        self._observe(there, user="web")
        if (self.clone.path / "skills" / OTHER_NAME).exists():
            self.done["rename followed"] += 1
            if self._check_followed(here, there):
                self._quietly(lambda: self.clone.resolve(OTHER_NAME, Choice.ABORT))
        seen = replace(self.look(here, self.clone), here=here)
        self.judge_pull(seen, self._quietly(self.clone.pull))

    def _check_followed(self, here: Slots, there: Slots) -> bool:
        """Under the new name there is what a pull under the old one would have made; tell whether in conflict."""
        text = "\n".join(self.text(path.replace(NAME, OTHER_NAME)) for path in (SKILL, NOTES))
        if disputed_in(text):
            return True
        for slot, value in values_in(text).items():
            if value not in (here[slot].value, there[slot].value):
                raise Violation(f"a pull that followed a rename made {value!r} of slot {slot}")
        return False

    def web_recreate(self, *, equal: bool) -> None:
        before = self.versions[-1].slots
        slots = {
            slot: self.tokens.first(token.value if equal else self.fresh())
            for slot, token in before.items()
        }
        values = {slot: token.value for slot, token in slots.items()}
        files = [{"path": "notes.md", "content": notes_of(values)}]
        self.live.create(NAME, body=body_of(values), files=files)
        self.is_archived = False
        self._observe(slots, user="web")

    # ---------------------------------------------------------------- the server's own word

    def _rows(self) -> list[Any]:
        from skillsync.server.models import Skill  # needs Django to be set up, which Live does

        return list(Skill.objects.filter(name=NAME, deleted=False).order_by("version"))

    def _observe(self, slots: Slots, *, user: str = "me", may_create: bool = True) -> None:
        """Take note of versions that are new on the server, and judge each that skillsync made."""
        known = {version.id for version in self.versions}
        rows = self._rows()
        numbers = [row.version for row in rows]
        if numbers != list(range(1, len(rows) + 1)):
            raise Violation(f"versions are not contiguous: {numbers}")
        for row in rows:
            if str(row.id) in known:
                continue
            values = self._values_of(row)
            if self.is_archived and not may_create:
                raise Violation(f"v{row.version} was created although the skill was archived (P12)")
            made_of = {slot: slots[slot] for slot in values if slot in slots}
            wrong = {
                slot
                for slot in values
                if slot not in made_of or made_of[slot].value != values[slot]
            }
            if wrong:
                raise Violation(f"v{row.version} holds {values}, which nobody asked for")
            if user == "me" and self.latest and row.version > 1:
                self._judge(self.latest, made_of, row.version)
            if user == "me":
                self.published.update(made_of.values())
            first = str(rows[0].id)
            self.versions.append(Version(str(row.id), row.version, first, made_of, user == "me"))
            self.is_archived = False

    def _may_return(self, clone: Clone) -> bool:
        """Tell whether a push may make again what was archived (P12).

        Somebody said so in the line of the tree that is sent (S16 --local), or nothing that git keeps for it, nor the
        tree, says that it was ever there: then a job published it, which leaves no line, and nobody pulled since.
        """
        file = clone.path / POINTER
        line = file.read_text() if file.is_file() else ""
        if self.team:
            line = clone.git("show", f"HEAD:{POINTER}", check=False)
        past = clone.git("log", "-p", "-m", "--no-renames", "--format=", "HEAD", "--", POINTER)
        last = self.versions[-1].first if self.versions else ""
        ids = {one.id for one in self.versions if one.first == last}
        return " gone" in line or not any(one in past + line for one in ids)

    def _values_of(self, row: Any) -> dict[int, str]:
        from skillsync.server.models import SkillFile

        texts = [row.body, *SkillFile.objects.filter(skill=row).values_list("content", flat=True)]
        return values_in("\n".join(texts))

    def _judge(self, replaced: Version, slots: Slots, number: int) -> None:
        """P1, P2: what a publish replaces was known to whoever made what replaces it."""
        for slot, remote in replaced.slots.items():
            mine = slots.get(slot)
            if mine is None:
                continue  # its file was deleted by a person, which leaves no line to judge
            if not is_in(remote, mine) and not (mine.is_picked or remote.is_picked):
                raise Violation(
                    f"v{number} loses {remote.value!r} of v{replaced.number} for {mine.value!r}"
                )

    # ---------------------------------------------------------------- people with files

    @property
    def can_edit(self) -> bool:
        return self.is_whole(self.work)

    def edit_some(self, number: int) -> None:
        self.edit(SLOTS[number % len(SLOTS)])

    def web_edit_some(self, number: int) -> None:
        if self.latest:
            self.web_edit(SLOTS[number % len(SLOTS)])

    def edit(self, slot: int) -> None:
        self._write({**self.work, slot: self.tokens.edit(self.work[slot], self.fresh())})

    def delete(self) -> None:
        shutil.rmtree(self.clone.path / FOLDER)
        self.work = {}

    def copy(self) -> None:
        """A copy under another name is a skill of its own; the one here goes on."""
        other = self.clone.path / f"skills/copy-{next(self._clones)}"
        shutil.copytree(self.clone.path / FOLDER, other)
        text = (other / "SKILL.md").read_text()
        (other / "SKILL.md").write_text(text.replace(f"name: {NAME}\n", f"name: {other.name}\n"))

    def rename_folder(self) -> None:
        """Moving the folder alone is nothing; it is moved back so that paths stay known."""
        away = self.clone.path / "skills/moved"
        (self.clone.path / FOLDER).rename(away)
        try:
            self.plan()
        finally:
            away.rename(self.clone.path / FOLDER)

    # ---------------------------------------------------------------- git

    def is_whole(self, slots: Slots) -> bool:
        """Whole texts on all sides: what git does with deletions is left to git's own tests."""
        return len(slots) == len(SLOTS)

    def _popped(self, slot: int, value: str, here: Slots, before: Slots, there: Slots) -> Token:
        sides = (here, before, there)
        if any(slot not in side for side in sides):
            return next(side[slot] for side in (here, there, before) if slot in side)
        return super()._popped(slot, value, here, before, there)

    def settle_texts(self, unmerged: set[str]) -> None:
        """A person writes something new wherever there are markers."""
        for path in unmerged:
            text = self.text(path)
            clean = {int(n): v for n, v in _LINE.findall(text)}
            values = {n: self.fresh() if n in disputed_in(text) else v for n, v in clean.items()}
            if path == SKILL:
                self.clone.skill(NAME, body_of(values) + "\n")
            else:
                self.clone.write(NOTES, notes_of(values) + "\n")
            self.clone.git("add", path)

    # ---------------------------------------------------------------- skillsync

    def look(self, sent: Slots, clone: Clone) -> Seen:
        may_create = not self.is_archived or self._may_return(clone)
        base = {slot: token.value for slot, token in self._taken_in().items()}
        return Seen(dict(self.work), sent, self.latest, len(self.versions), may_create, base)

    def judge_push(self, seen: Seen, report: Report | None) -> None:
        self._observe(seen.sent, may_create=seen.may_create)
        made = len(self.versions) - seen.versions
        self.done["published"] += made
        self.done["push blocked"] += report is not None and report.exit == 3
        if self.is_open and not self.team and made:
            raise Violation("an open conflict was published")

    def judge_pull(self, seen: Seen, report: Report | None) -> None:
        text = self.text(SKILL) + "\n" + self.text(NOTES)
        disputed = disputed_in(text)
        about = [one for one in report.outcomes if one.subject == NAME] if report else []
        self.is_open = bool(disputed) or bool(self.clone.git("ls-files", "-u"))
        if self.is_open:
            # A run that ends later says which files it has changed; the next one tells of the conflict.
            is_named = report is None and f"the files here of {NAME}" in self.log[-1]
            if not is_named and not any(one.exit == 4 for one in about):
                raise Violation("there are markers, and nobody was told")
            self.parked = (seen.here, disputed)
            self.done["conflict"] += 1
            return
        remote = seen.there.slots if seen.there else {}
        self.settle(lambda slot, value: self._merged(slot, value, seen.here, remote, seen.base))
        self.done["pulled"] += bool(report and any(one.changed for one in report.outcomes))

    def _merged(
        self,
        slot: int,
        value: str,
        here: Slots,
        there: Slots,
        base: Mapping[int, str] = NOTHING,
    ) -> Token:
        if slot not in there:
            return here[slot]
        if slot not in here:
            if value != there[slot].value:
                raise Violation(
                    f"slot {slot} came as {value!r}, the remote has {there[slot].value!r}"
                )
            return there[slot]
        local, remote = here[slot], there[slot]
        if value == local.value and not self._has_taken():
            return local
        picked = local.is_picked or remote.is_picked
        if remote in self.taken_back and base.get(slot) == remote.value and value == local.value:
            # It was there as it is now when this edit was begun; what came and was taken back was another try.
            return self.tokens.meet(local, remote, value)
        if is_lost(local, remote, value) and not picked:
            raise Violation(
                f"pull made {value!r} of {local.value!r} here and {remote.value!r} there"
            )
        return self.tokens.meet(local, remote, value)

    def _has_taken(self) -> bool:
        """The pointer names the latest version: what is here is said to have it (P6)."""
        return self.latest is not None and self.latest.id in self.text(POINTER)

    def resolve(self, choice: Choice) -> None:
        if not self.is_open:
            self._quietly(lambda: self.clone.resolve(NAME, choice))
            self.work = self._known_again()
            return
        here, disputed = self.parked
        if choice is Choice.AS_IS:
            self._answer(disputed)
        report = self._quietly(lambda: self.clone.resolve(NAME, choice))
        self._tidy()
        text = self.text(SKILL) + self.text(NOTES)
        self.is_open = bool(disputed_in(text)) or bool(self.clone.git("ls-files", "-u"))
        if report is None or self.is_open:
            return
        remote = self._taken_in()

        def meet(slot: int, value: str) -> Token:
            if choice is Choice.ABORT or slot not in remote:
                return here[slot] if slot in here else remote[slot]
            if slot not in here:
                return remote[slot]
            if slot in disputed:
                return self.tokens.join(here[slot], remote[slot], value)
            return self._merged(slot, value, here, remote)

        self.settle(meet)

    def _taken_in(self) -> Slots:
        """Return the version that the pointer names: the conflict's own, whatever came there since (P6)."""
        line = self.text(POINTER)
        return next((one.slots for one in self.versions if one.id in line), {})

    def _tidy(self) -> None:
        """A person leaves one line where a union has both."""
        text = self.text(SKILL)
        if disputed_in(text):
            return
        found = {int(number): value for number, value in _LINE.findall(text)}
        if len(_LINE.findall(text)) > len(found):
            self.clone.skill(NAME, body_of(found) + "\n")
        notes = self.text(NOTES)
        if len(_LINE.findall(notes)) > 1 and not disputed_in(notes):
            self.clone.write(NOTES, notes_of({2: _LINE.findall(notes)[-1][1]}) + "\n")

    def _answer(self, disputed: set[int]) -> None:
        """A person writes something new wherever there are markers."""
        for path in (SKILL, NOTES):
            text = self.text(path)
            clean = {int(n): v for n, v in _LINE.findall(text)}
            values = {n: self.fresh() if n in disputed else v for n, v in clean.items()}
            if path == SKILL and clean and disputed_in(text):
                self.clone.skill(NAME, body_of(values) + "\n")
            elif path == NOTES and clean and disputed_in(text):
                self.clone.write(NOTES, notes_of(values) + "\n")

    def adopt(self, way: Way) -> None:
        """A person links what was never linked, or was made again, by a word of their own."""
        here, there = dict(self.work), self.latest
        report = self._quietly(lambda: self.clone.adopt(NAME, way))
        text = self.text(SKILL) + "\n" + self.text(NOTES)
        disputed = disputed_in(text)
        self.is_open = bool(disputed) or bool(self.clone.git("ls-files", "-u"))
        self.parked = (here, set(SLOTS))
        if report is None or report.exit or there is None or self.is_open:
            return
        self.settle(
            lambda slot, value: (
                self.tokens.join(here[slot], there.slots[slot], value)
                if slot in here
                else there.slots[slot]
            )
        )

    def undo(self, *, named: bool) -> None:
        """The last push is taken back by a person who sees it: the files stay, and an edit of the web page as well."""
        before, values = self.latest, self.here()
        clone = self.clone
        request = UndoRequest(names=(NAME,) if named else (), clock=clone.clock)
        here = (clone.workspace, clone.target, clone.connect)
        self._quietly(lambda: undo(*here, request, writer=clone.writer()))
        if self.here() != values:
            raise Violation(f"an undo made {self.here()} of the files, which said {values}")
        if before is None or not self._is_newer_than(before):
            return
        if not before.is_own:
            raise Violation(f"an undo replaced v{before.number}, which the web page made")
        there = self._values_of(self._rows()[-1])
        if there not in [one.values for one in self.versions if one.first == before.first]:
            raise Violation(f"an undo made {there}, which no version said")
        slots = {slot: self.tokens.edit(before.slots[slot], value) for slot, value in there.items()}
        self._observe(slots)
        self.taken_back.update(slots.values())
        self.done["undone"] += 1
        if self._has_taken() and self.latest:
            remote = self.latest.slots
            self.settle(lambda slot, value: self.tokens.join(self.work[slot], remote[slot], value))

    def restore(self, back: int, *, discard: bool) -> None:
        """An old version comes back, here and there, where the latest was taken in."""
        before, clone = self.latest, self.clone
        if before is None:
            return
        number = max(1, before.number - back)
        request = RestoreRequest(NAME, number, discard_edits=discard, clock=clone.clock)
        here = (clone.workspace, clone.target, clone.connect)
        report = self._quietly(lambda: restore(*here, request, writer=clone.writer()))
        work = dict(self.work)

        def meet(slot: int, value: str) -> Token:
            if slot in work and work[slot].value == value:
                return work[slot]
            return self.tokens.edit(work[slot], value)

        self.settle(meet)
        if self._is_newer_than(before):
            self._observe(self.work)
            self.done["restored"] += bool(report)

    def _is_newer_than(self, version: Version) -> bool:
        rows = self._rows()
        return bool(rows) and str(rows[-1].id) != version.id

    def come_to_rest(self) -> None:
        for _ in range(MOST_RUNS):
            pulled = self.pull()
            self._part_copies(pulled)
            if self.is_open:
                self.resolve(Choice.LOCAL)
            elif pulled is not None and any(one.exit == 4 for one in pulled.outcomes):
                self._decide(pulled)
                if not self.work and not self.is_archived:
                    return  # given up here and made again there: shown, and a person's matter
            if self.team:
                self.commit()
            pushed = self.push()
            if pushed is not None and pulled is not None and not pushed.exit and not pulled.exit:
                break
            if pulled is None and self.is_archived and "lists none of" in self.log[-1]:
                return  # copies with its pointer: many are gone at once, which only a person may believe
        else:
            raise Violation(f"it does not come to rest: {pulled}, {pushed}, {self.log[-4:]}")
        check_silent(self.clone, Clone.push, Clone.pull)
        if self.latest and self.work:
            there = {slot: token.value for slot, token in self.latest.slots.items()}
            if there != self.here():
                raise Violation(f"at rest, but {self.here()} here and {there} there")

    def _part_copies(self, report: Report | None) -> None:
        """Where a server cannot rename, copies whose original was removed get on as skills of their own."""
        for one in report.outcomes if report else ():
            if one.code == "E-RENAMED":
                (self.clone.path / "skills" / one.subject / ".skillsync").unlink(missing_ok=True)

    def _decide(self, report: Report) -> None:
        """A person answers what is no matter of lines: taking up again what is there, or giving it up."""
        for other in {one.subject for one in report.outcomes if one.exit == 4} - {NAME}:
            self._quietly(partial(self.clone.resolve, other, Choice.REMOTE))
        codes = {one.code for one in report.outcomes if one.exit == 4 and one.subject == NAME}
        if not codes:
            return
        if codes & {"E-RECREATED", "E-UNRELATED"}:
            self.adopt(Way.REMOTE)
        else:
            self.resolve(Choice.REMOTE)

    def _known_again(self) -> Slots:
        there = self.latest.slots if self.latest else {}
        return {
            slot: self.work[slot]
            if slot in self.work and self.work[slot].value == value
            else there[slot]
            for slot, value in self.here().items()
        }
