"""A world of one skill in one repository: people on both sides, git, skillsync, and what must hold after each step.

Nothing here asks the engine what it believes: the tokens say who had seen what (tokens.py), the server's rows say what
was published, the files say what is here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from skillsync.errors import SkillsyncError
from skillsync.sync.adopt import Way
from skillsync.sync.merged_pointers import settle_pointers
from skillsync.sync.plan import make_plan
from skillsync.sync.report import Report
from skillsync.sync.resolve import Choice
from tests.failing import When
from tests.sync.crash import Process, check_silent, is_leftover, reborn
from tests.sync.harness import LIVES, Clone, Live, new_clone
from tests.worlds.tokens import Token, Tokens, is_in, is_lost
from tests.worlds.trouble import one_answer_fails

NAME = "alpha"
OTHER_NAME = "beta"
FOLDER = f"skills/{NAME}"
SKILL, NOTES, POINTER = (f"{FOLDER}/{name}" for name in ("SKILL.md", "notes.md", ".skillsync"))
SLOTS = (0, 1, 2)
"""The first two are lines of the body, the third is one of a bundled file."""

MOST_RUNS = 6
"""How many rounds of pull, resolve and push may be needed until nothing is left to do (P4)."""

_LINE = re.compile(r"^slot (\d): (.*)$", re.MULTILINE)
Slots = dict[int, Token]


class Violation(AssertionError):
    """An edit was lost, or something happened that nobody asked for."""


def body_of(values: Mapping[int, str]) -> str:
    return f"slot 0: {values[0]}\n\nBetween.\n\nMore between.\n\nslot 1: {values[1]}"


def notes_of(values: Mapping[int, str]) -> str:
    return f"slot 2: {values[2]}"


@dataclass
class Desk:
    """What belongs to one person: a clone, what is in its files, its stash and its open conflict."""

    clone: Clone
    work: Slots
    stash: tuple[Slots, Slots] | None
    is_open: bool
    parked: tuple[Slots, set[int]]


@dataclass
class Version:
    """A version that the server has; ``slots`` is what really went into it."""

    id: str
    number: int
    first: str
    slots: Slots


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


class World:
    """One example: a server, a repository in it, and everything that was done to both."""

    def __init__(self, folder: Path, *, dialect: str, team: bool) -> None:
        self.folder, self.team = folder, team
        self.tokens, self._values, self._clones = Tokens(), count(1), count(1)
        self.live: Live = LIVES[dialect](folder)
        self.clone = new_clone(self.live, folder / "clone-0", team="main" if team else None)
        self.committed: dict[str, Slots] = {}
        self.work: Slots = {}
        self.stash: tuple[Slots, Slots] | None = None
        self.versions: list[Version] = []
        self.is_archived = False
        self.is_open = False
        self._may_return = False
        """Whether a push may make again what was archived: see ``_look_at_line``."""
        self._parked: tuple[Slots, set[int]] = ({}, set())
        self.other: Desk | None = None
        """The desk of the other person, once somebody went there."""
        self.followed = 0
        self.log: list[str] = []
        self._begin()

    def close(self) -> None:
        self.live.close()

    def _begin(self) -> None:
        self._write({slot: self.tokens.first(f"first-{slot}") for slot in SLOTS})
        self.commit()
        report = self.clone.push()
        assert report.exit == 0, report
        self._observe(self.work)
        self.commit()

    def fresh(self) -> str:
        return f"value-{next(self._values)}"

    # ---------------------------------------------------------------- what is here

    def _write(self, slots: Slots) -> None:
        values = {slot: token.value for slot, token in slots.items()}
        self.clone.skill(NAME, body_of(values) + "\n")
        self.clone.write(NOTES, notes_of(values) + "\n")
        self.work = dict(slots)

    def _text(self, path: str) -> str:
        file = self.clone.path / path
        return file.read_text() if file.is_file() else ""

    def here(self) -> dict[int, str]:
        """The values in the working tree; empty when the skill's folder is gone."""
        return values_in(self._text(SKILL)) | values_in(self._text(NOTES))

    def _settle(self, meet: Callable[[int, str], Token]) -> None:
        """Give every slot that is here now its token."""
        self.work = {slot: meet(slot, value) for slot, value in self.here().items()}

    def head(self) -> str:
        return self.clone.head()

    def at(self, commit: str) -> Slots:
        return self.committed.get(commit, {})

    @property
    def is_dirty(self) -> bool:
        return bool(self.clone.git("status", "--porcelain"))

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

        A team has no pointers: that its skill has another name there is known from the latest version's marker, so
        there it is not edited.
        """
        assert self.latest
        self._rename_there(NAME, OTHER_NAME)
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
        self._rename_there(OTHER_NAME, NAME)
        self._observe(there, user="web")
        if any(path.startswith("skills/beta/") for path in self.clone.files()):
            self.followed += 1
            self._check_followed(here, there)
        report = self._quietly(self.clone.pull)
        self._take(report, here, self.latest)

    def _rename_there(self, old: str, new: str) -> None:
        with self.live.api() as client:
            answer = client.post(f"llm_skills/name/{old}/rename", json={"new_name": new})
        assert answer.status_code == 200, answer.text

    def _check_followed(self, here: Slots, there: Slots) -> None:
        """Under the new name there is what a pull under the old one would have made."""
        text = "\n".join(self._text(path.replace(NAME, OTHER_NAME)) for path in (SKILL, NOTES))
        if disputed_in(text):
            return
        for slot, value in values_in(text).items():
            if value not in (here[slot].value, there[slot].value):
                raise Violation(f"a pull that followed a rename made {value!r} of slot {slot}")

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
            consent = user == "web" or self._may_return
            if self.is_archived and not may_create and not consent:
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
            first = str(rows[0].id)
            self.versions.append(Version(str(row.id), row.version, first, made_of))
            self.is_archived = False

    def _look_at_line(self, clone: Clone) -> None:
        """Note whether a push may make again what was archived (P12).

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
        was_known = any(one in past + line for one in ids)
        self._may_return = " gone" in line or not was_known

    def _values_of(self, row: Any) -> dict[int, str]:
        from skillsync.server.models import SkillFile

        texts = [row.body, *SkillFile.objects.filter(skill=row).values_list("content", flat=True)]
        return values_in("\n".join(texts))

    def _judge(self, replaced: Version, slots: Slots, number: int) -> None:
        """P1, P2: what a publish replaces was known to whoever made what replaces it."""
        for slot, remote in replaced.slots.items():
            mine = slots[slot]
            if not is_in(remote, mine) and not (mine.is_picked or remote.is_picked):
                raise Violation(
                    f"v{number} loses {remote.value!r} of v{replaced.number} for {mine.value!r}"
                )

    # ---------------------------------------------------------------- people with files

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

    def git(self, *words: str) -> bool:
        """Run git; tell whether it succeeded."""
        git = self.clone.git
        try:
            git("-c", "core.editor=true", "-c", "advice.detachedHead=false", *words)
        except Exception:  # subprocess's error, whatever git had against it
            return False
        return True

    def commit(self) -> None:
        self.clone.commit()
        self.committed[self.head()] = dict(self.work)

    def commit_part(self, *, pointer: bool) -> None:
        """Commit the pointer alone, or the texts without it."""
        before = self.at(self.head())
        paths = [POINTER] if pointer else [SKILL, NOTES]
        there = [path for path in paths if (self.clone.path / path).is_file()]
        if not there or not self.git("add", *there):
            return
        if self.git("commit", "-q", "-m", "part", "--only", "--", *there):
            self.committed[self.head()] = before if pointer else dict(self.work)

    def amend(self) -> None:
        self.clone.git("add", "-A")
        if self.git("commit", "-q", "--amend", "--allow-empty", "-m", "amended"):
            self.committed[self.head()] = dict(self.work)

    def branches(self) -> list[str]:
        return sorted(
            self.clone.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        )

    def branch(self) -> None:
        self.clone.git("switch", "-q", "-c", f"branch-{next(self._clones)}")

    def switch(self, number: int) -> None:
        """Go to another branch; what is not committed comes along where git allows it."""
        names = self.branches()
        self._go("switch", "-q", names[number % len(names)])

    def detach(self, back: int) -> None:
        """Check out an older commit of this history."""
        commits = self.clone.git("rev-list", "--first-parent", "HEAD").split()
        if known := [commit for commit in commits if self.at(commit)]:
            self._go("checkout", "-q", "--detach", known[back % len(known)])

    def _go(self, *words: str) -> None:
        old = self.at(self.head())
        before = {slot: token.value for slot, token in self.work.items()}
        if not self.git(*words):
            return
        new = self.at(self.head())

        def meet(slot: int, value: str) -> Token:
            is_edited = slot in self.work and before.get(slot) == value
            unchanged = slot in old and slot in self.work and old[slot].value == value
            if slot in new and new[slot].value == value and (unchanged or not is_edited):
                return new[slot]
            return self.work[slot]

        self._settle(meet)

    def reset_hard(self) -> None:
        self.clone.git("reset", "-q", "--hard")
        self.clone.git("clean", "-qfd", "skills")
        self.work = dict(self.at(self.head()))
        self.is_open = False

    def stash_push(self) -> None:
        if self.is_dirty and self.git("stash", "push", "-q", "-u"):
            self.stash = (dict(self.at(self.head())), dict(self.work))
            self.work = dict(self.at(self.head()))

    def stash_pop(self) -> None:
        if self.stash is None or self.is_dirty:
            return
        (before, there), self.stash = self.stash, None
        here = dict(self.work)
        if not self.git("stash", "pop", "-q"):
            self.reset_hard()
            self.git("stash", "drop", "-q")
            return

        def meet(slot: int, value: str) -> Token:
            if slot not in here or slot not in before or slot not in there:
                return next(side[slot] for side in (here, there, before) if slot in side)
            if all(before[one].value == here[one].value for one in here):
                return there[slot] if value == there[slot].value else here[slot]
            return self.tokens.pick(before[slot], there[slot], here[slot], value)

        self._settle(meet)

    # ---------------------------------------------------------------- git: bringing histories together

    def _other(self, number: int) -> str | None:
        here = self.clone.git("branch", "--show-current")
        names = [name for name in self.branches() if name != here]
        return names[number % len(names)] if names else None

    def _is_clean_with(self, *others: Slots) -> bool:
        """Whole texts on all sides: what git does with deletions is left to git's own tests."""
        return not self.is_dirty and all(len(side) == len(SLOTS) for side in (self.work, *others))

    def merge(self, number: int, *, how: str) -> None:
        """Merge, squash or rebase with another branch; a person settles what git cannot."""
        other = self._other(number)
        if other is None or not self._is_clean_with(there := self.at(self._tip(other))):
            return
        here = dict(self.work)
        words = {
            "merge": ("merge", "-q", "--no-edit", other),
            "squash": ("merge", "-q", "--squash", other),
            "rebase": ("rebase", "-q", other),
        }[how]
        self.git(*words)
        self._finish(how)
        self._settle(lambda slot, value: self.tokens.meet(here[slot], there[slot], value))
        if how == "squash":
            self.commit()
        self.committed[self.head()] = dict(self.work)

    def _tip(self, name: str) -> str:
        return self.clone.git("rev-parse", name)

    def cherry_pick(self, number: int, *, revert: bool) -> None:
        """Put one commit's change, or its opposite, upon this history."""
        commits = [
            one
            for one in self.clone.git("rev-list", "--all", "--no-merges").split()
            if one in self.committed
        ]
        commit = commits[number % len(commits)]
        parent = (
            self.clone.git("rev-parse", f"{commit}^", "--")[:40]
            if self.git("rev-parse", "-q", "--verify", f"{commit}^")
            else ""
        )
        before, there = self.at(parent), self.at(commit)
        if not self._is_clean_with(before, there):
            return
        here = dict(self.work)
        verb = "revert" if revert else "cherry-pick"
        words = (verb, "--no-edit", commit)
        if not self.git(*words):
            self._finish(verb)
        if revert:
            self._settle(
                lambda slot, value: (
                    here[slot] if here[slot].value == value else self.tokens.edit(here[slot], value)
                )
            )
        else:
            self._settle(
                lambda slot, value: self.tokens.pick(before[slot], there[slot], here[slot], value)
            )
        self.committed[self.head()] = dict(self.work)

    def _finish(self, how: str) -> None:
        """Settle every stop of a git command: texts by a person, pointers by skillsync."""
        for _ in range(30):
            if self.clone.git("ls-files", "-u"):
                self._settle_conflict()
            elif not self._in_progress():
                return
            if how == "squash":
                return
            verb = self._in_progress()
            if verb is None:
                return
            if verb == "merge":
                self.clone.git("commit", "-q", "--no-edit", "--allow-empty")
            elif not self.git(verb, "--continue") and not self.clone.git("ls-files", "-u"):
                self.git(verb, "--skip")
        raise AssertionError(f"git {how} does not end")

    def _in_progress(self) -> str | None:
        folder = self.clone.path / ".git"
        names = {
            "rebase-merge": "rebase", "rebase-apply": "rebase", "CHERRY_PICK_HEAD": "cherry-pick",
            "REVERT_HEAD": "revert", "MERGE_HEAD": "merge",
        }  # fmt: skip
        return next((verb for name, verb in names.items() if (folder / name).exists()), None)

    def _settle_conflict(self) -> None:
        unmerged = set(self.clone.git("diff", "--name-only", "--diff-filter=U").splitlines())
        for path in unmerged & {SKILL, NOTES}:
            text = self._text(path)
            clean = {int(n): v for n, v in _LINE.findall(text)}
            values = {n: self.fresh() if n in disputed_in(text) else v for n, v in clean.items()}
            if path == SKILL:
                self.clone.skill(NAME, body_of(values) + "\n")
            else:
                self.clone.write(NOTES, notes_of(values) + "\n")
            self.clone.git("add", path)
        for path in unmerged - {SKILL, NOTES, POINTER}:
            self.git("checkout", "-q", "--ours", path)
            self.clone.git("add", "-A", path)
        if POINTER in unmerged:
            settle_pointers(self.clone.workspace, self.clone.writer(), Report("pull", "local"))
            if POINTER in self.clone.git("diff", "--name-only", "--diff-filter=U"):
                self.git("checkout", "-q", "--ours", POINTER)
                self.clone.git("add", "-A", POINTER)

    # ---------------------------------------------------------------- skillsync

    def _quietly(self, run: Callable[[], Report]) -> Report | None:
        """Run a command; an error that it knows is an answer, anything else is a failure of the test."""
        try:
            return run()
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message}")
            return None

    def pushed(self) -> Slots:
        """What push sends: the working tree, or HEAD's in team mode."""
        return self.at(self.head()) if self.team else self.work

    def push(self) -> Report | None:
        sent = dict(self.pushed())
        was_archived = self.is_archived
        self._look_at_line(self.clone)
        report = self._quietly(self.clone.push)
        before = len(self.versions)
        self._observe(sent, may_create=not was_archived)
        if self.is_open and not self.team and len(self.versions) > before:
            raise Violation("an open conflict was published")
        return report

    def pull(self) -> Report | None:
        here, there = dict(self.work), self.latest
        report = self._quietly(self.clone.pull)
        self._take(report, here, there)
        return report

    def _take(self, report: Report | None, here: Slots, there: Version | None) -> None:
        """Judge what a pull left in the files (P1), and give it its tokens."""
        text = self._text(SKILL) + "\n" + self._text(NOTES)
        disputed = disputed_in(text)
        about = [one for one in report.outcomes if one.subject == NAME] if report else []
        self.is_open = bool(disputed) or bool(self.clone.git("ls-files", "-u"))
        if self.is_open:
            if not any(one.exit == 4 for one in about):
                raise Violation("there are markers, and nobody was told")
            self._parked = (here, disputed)
            return
        remote = there.slots if there else {}
        self._settle(lambda slot, value: self._merged(slot, value, here, remote))

    def _merged(self, slot: int, value: str, here: Slots, there: Slots) -> Token:
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
        if is_lost(local, remote, value) and not picked:
            raise Violation(
                f"pull made {value!r} of {local.value!r} here and {remote.value!r} there"
            )
        return self.tokens.meet(local, remote, value)

    def _has_taken(self) -> bool:
        """The pointer names the latest version: what is here is said to have it (P6)."""
        return self.latest is not None and self.latest.id in self._text(POINTER)

    def resolve(self, choice: Choice) -> None:
        if not self.is_open:
            self._quietly(lambda: self.clone.resolve(NAME, choice))
            self.work = self._known_again()
            return
        here, disputed = self._parked
        there = self.latest
        if choice is Choice.AS_IS:
            self._answer(disputed)
        report = self._quietly(lambda: self.clone.resolve(NAME, choice))
        self._tidy()
        text = self._text(SKILL) + self._text(NOTES)
        self.is_open = bool(disputed_in(text)) or bool(self.clone.git("ls-files", "-u"))
        if report is None or self.is_open:
            return
        remote = there.slots if there else {}

        def meet(slot: int, value: str) -> Token:
            if choice is Choice.ABORT or slot not in remote:
                return here[slot] if slot in here else remote[slot]
            if slot not in here:
                return remote[slot]
            if slot in disputed:
                return self.tokens.join(here[slot], remote[slot], value)
            return self._merged(slot, value, here, remote)

        self._settle(meet)

    def _tidy(self) -> None:
        """A person leaves one line where a union has both."""
        text = self._text(SKILL)
        if disputed_in(text):
            return
        found = {int(number): value for number, value in _LINE.findall(text)}
        if len(_LINE.findall(text)) > len(found):
            self.clone.skill(NAME, body_of(found) + "\n")
        notes = self._text(NOTES)
        if len(_LINE.findall(notes)) > 1 and not disputed_in(notes):
            self.clone.write(NOTES, notes_of({2: _LINE.findall(notes)[-1][1]}) + "\n")

    def _answer(self, disputed: set[int]) -> None:
        """A person writes something new wherever there are markers."""
        for path in (SKILL, NOTES):
            text = self._text(path)
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
        text = self._text(SKILL) + "\n" + self._text(NOTES)
        disputed = disputed_in(text)
        self.is_open = bool(disputed) or bool(self.clone.git("ls-files", "-u"))
        self._parked = (here, set(SLOTS))
        if report is None or report.exit or there is None or self.is_open:
            return
        self._settle(
            lambda slot, value: (
                self.tokens.join(here[slot], there.slots[slot], value)
                if slot in here
                else there.slots[slot]
            )
        )

    def plan(self) -> None:
        """P19: looking writes nothing: no file, no index, no ref but our own cache, nothing remote."""
        before = self._state()
        if self.clone.requests:
            self.clone.requests.made.clear()

        def look() -> None:
            self.clone.status()
            with self.clone.connect(self.clone.target) as remote:
                make_plan(self.clone.workspace, self.clone.target, remote)

        try:
            look()
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message}")
        if self.clone.requests and self.clone.requests.writes:
            raise Violation(f"looking wrote: {self.clone.requests.writes}")
        if self._state() != before:
            raise Violation("looking changed the clone")

    def _state(self) -> object:
        refs = [
            line
            for line in self.clone.git("for-each-ref").splitlines()
            if "refs/skillsync/" not in line
        ]
        return self.clone.files(), self.clone.git("ls-files", "-s"), refs, self.head()

    def lose_state(self) -> None:
        """P7: everything of ours below .git is gone."""
        if self.is_open:
            return  # the base of an open conflict is known from the pointer; its stages are git's own
        shutil.rmtree(self.clone.path / ".git/skillsync", ignore_errors=True)
        for line in self.clone.git("for-each-ref", "--format=%(refname)", "refs/skillsync").split():
            self.clone.git("update-ref", "-d", line)
        self.clone = reborn(self.clone)

    def fresh_clone(self) -> None:
        """Somebody else clones; what was never committed is not there."""
        branch = self.clone.git("branch", "--show-current")
        path = self.folder / f"clone-{next(self._clones)}"
        old = self.clone
        names = self.branches()
        self.clone = old.clone(path)
        for name in names:
            self.git("branch", "-q", name, f"origin/{name}")
        if branch:
            self.clone.git("switch", "-q", branch)
        else:
            self.clone.git("fetch", "-q", "origin", f"{old.git('rev-parse', 'HEAD')}")
            self.clone.git("checkout", "-q", "--detach", "FETCH_HEAD")
        self.clone.git(
            "remote", "remove", "origin"
        )  # it is gone, so this clone's main is what counts
        self.work, self.stash, self.is_open = dict(self.at(self.head())), None, False

    def go_to_the_other_desk(self) -> None:
        """Another person works on, in a clone of their own that knows what this one once knew."""
        mine = Desk(self.clone, self.work, self.stash, self.is_open, self._parked)
        if self.other is None:
            self.fresh_clone()
        else:
            there = self.other
            self.clone, self.work, self.stash = there.clone, there.work, there.stash
            self.is_open, self._parked = there.is_open, there.parked
        self.other = mine

    def fetch(self, number: int) -> None:
        """Fetch a branch of the other desk, as a branch that can be merged."""
        if self.other is None:
            return
        names = self.other.clone.git(
            "for-each-ref", "--format=%(refname:short)", "refs/heads"
        ).split()
        name = names[number % len(names)]
        self.git("fetch", "-q", str(self.other.clone.path), f"+{name}:refs/heads/theirs")

    def job(self, back: int) -> None:
        """CI publishes a commit of main from a clone that knows nothing else, the newest one or an older one."""
        commits = self.clone.git("rev-list", "--first-parent", "main").split()
        known = [commit for commit in commits if self.at(commit)]
        commit = known[back % len(known)]
        path = self.folder / f"job-{next(self._clones)}"
        job = self.clone.clone(path)
        job.git("checkout", "-q", "--detach", commit)
        was_archived = self.is_archived
        self._look_at_line(job)
        self._quietly(job.push)
        self._observe(self.at(commit), may_create=not was_archived)
        if job.git("status", "--porcelain"):
            raise Violation("a job left something behind")
        shutil.rmtree(path)

    # ---------------------------------------------------------------- when things go wrong

    def crash(self, verb: str, k: int, when: When) -> None:
        """The process dies at its k-th effect; the next one finishes what it had begun."""
        here, sent, there = dict(self.work), dict(self.pushed()), self.latest
        was_archived = self.is_archived
        self._look_at_line(self.clone)
        run: Callable[[Clone], object] = Clone.push if verb == "push" else Clone.pull
        try:
            died = Process(k, when=when).run(self.clone, run)
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message}")
            died = False
        self.clone = reborn(self.clone)
        self.log.append(f"  died: {died}")
        self._observe(sent, may_create=not was_archived)
        if verb == "push":
            self.push()
            return
        report = self._quietly(self.clone.pull)
        self._take(report, here, there)
        if report is not None and [path for path in self.clone.files() if is_leftover(path)]:
            raise Violation("a temporary file was left behind")

    def fault(self, verb: str, number: int, kind: str) -> None:
        """One request of a run fails: it never arrives, its answer is lost, or the server cannot."""
        with one_answer_fails(self.clone, number, kind):
            self.push() if verb == "push" else self.pull()

    # ---------------------------------------------------------------- what holds always, and in the end

    def check(self) -> None:
        """P14 and the oracle's own books, after each step."""
        if not self.is_open and (found := self.here()) != {
            s: t.value for s, t in self.work.items()
        }:
            raise AssertionError(f"the books are wrong: {found}, {self.work}")
        allowed = ("skills/", "skillsync.toml")
        strange = [path for path in self.clone.files() if not path.startswith(allowed)]
        if strange:
            raise Violation(f"written outside of the roots: {strange} (P14)")

    def finish(self) -> None:
        """P3, P4, P15: a person settles what is open, everything comes to rest, and one more run is silent."""
        self._finish_desk()
        if self.other is not None:
            self.go_to_the_other_desk()
            self._finish_desk()

    def _finish_desk(self) -> None:
        if self._in_progress() or self.is_open:
            self.reset_hard()
        if self.team:
            self.clone.git("switch", "-q", "-f", "main")
            self.clone.git("clean", "-qfd", "skills")
            self.work = dict(self.at(self.head()))
        self._come_to_rest()
        self._check_secrets()

    def _come_to_rest(self) -> None:
        for _ in range(MOST_RUNS):
            pulled = self.pull()
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

    def _check_secrets(self) -> None:
        """P15: no file of the clone, git's own included, holds the key."""
        key = self.live.keys["me"].encode()
        for path in self.clone.path.rglob("*"):
            if path.is_file() and key in path.read_bytes():
                raise Violation(f"{path} holds the key")
