"""A world of several skills whose names are given up, taken over and exchanged on both sides (sync.md S5, S16, S19–S23).

Nobody here ever takes a line out of a skill but by removing all of it, so that what is lost shows: a line.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from skillsync.errors import SkillsyncError
from skillsync.sync.report import Report
from tests.sync.harness import LIVES, new_clone
from tests.worlds.desks import Violation

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
FEWEST = 3
"""So many skills there are to begin with, and stay on each side: a removal of most is stopped (P9), and proves nothing."""
PARTS = 4

_LINE = re.compile(r"^line \d+ of \w+$", re.MULTILINE)
_BASE_PART = re.compile(r"^\|{7,}.*?\n(?:.*\n)*?(?=^={7,}$)", re.MULTILINE)
_MARKER = re.compile(r"^(?:<{7,}|={7,}$|>{7,}).*\n", re.MULTILINE)
_NAME = re.compile(r"^name: (.*)$", re.MULTILINE)


def lines_of(text: str) -> frozenset[str]:
    return frozenset(_LINE.findall(text))


def with_line(text: str, line: str, part: int) -> str:
    """Put a line below one of the headings."""
    heading = f"## part {part % PARTS}\n"
    return text.replace(heading, f"{heading}\n{line}\n", 1)


def new_body(line: str) -> str:
    body = "\n".join(f"## part {part}\n" for part in range(PARTS))
    return with_line(body, line, 0)


@dataclass(frozen=True)
class There:
    """A live skill of the server."""

    name: str
    version: int
    body: str

    @property
    def lines(self) -> frozenset[str]:
        return lines_of(self.body)


class Names:
    """One example: some skills, and who gave them which names."""

    def __init__(self, folder: Path, *, dialect: str) -> None:
        self.done: Counter[str] = Counter()
        self.folder = folder
        self.live = LIVES[dialect](folder)
        self.clone = new_clone(self.live, folder / "clone")
        self._numbers = count()
        self._clones = count()
        self.served: set[str] = set()
        self.given_up: set[str] = set()
        """Lines of what was removed here: whoever did it had them before them."""
        self.archived: set[str] = set()
        self.copied: set[str] = set()
        for name in NAMES[: FEWEST + 1]:
            self.create(name)
        self.commit()
        self.push()
        self.commit()

    # ---------------------------------------------------------------- what is there

    def there(self) -> dict[str, There]:
        """The live skills by incarnation."""
        found = {}
        with self.live.api() as client:
            for item in client.get("llm_skills").json()["results"]:
                skill = client.get(f"llm_skills/name/{item['name']}").json()
                found[skill["first_version_created_at"]] = There(
                    skill["name"], skill["version"], skill["body"]
                )
        self.served |= {line for one in found.values() for line in one.lines}
        return found

    def live_names(self) -> list[str]:
        return sorted(one.name for one in self.there().values())

    def _line(self, who: str) -> str:
        return f"line {next(self._numbers)} of {who}"

    def web_edit(self, number: int, part: int) -> None:
        names = self.live_names()
        if names:
            name = names[number % len(names)]
            body = self.live.skill(name)["body"] + "\n"
            self.live.edit(name, body=with_line(body, self._line("web"), part).rstrip())

    def web_rename(self, number: int, new: str) -> None:
        names = self.live_names()
        if names and new not in names:
            old = names[number % len(names)]
            self.live.rename(old, new)
            self.done["renamed there"] += 1

    def web_archive(self, number: int) -> None:
        names = self.live_names()
        if len(names) > FEWEST:
            name = names[number % len(names)]
            self.archived |= lines_of(self.live.skill(name)["body"])
            self.live.archive(name)

    def web_create(self, name: str) -> None:
        if name not in self.live_names():
            self.live.create(name, body=new_body(self._line("web")).rstrip())

    # ---------------------------------------------------------------- what is here

    def folders(self) -> list[str]:
        skills = self.clone.path / "skills"
        return sorted(path.parent.name for path in skills.glob("*/SKILL.md"))

    def text(self, folder: str) -> str:
        return self.clone.read(f"skills/{folder}/SKILL.md")

    def name_of(self, folder: str) -> str:
        found = _NAME.search(self.text(folder))
        return found[1] if found else ""

    def lines_here(self) -> set[str]:
        return {line for folder in self.folders() for line in lines_of(self.text(folder))}

    def _any(self, number: int) -> str | None:
        folders = self.folders()
        return folders[number % len(folders)] if folders else None

    def is_settled(self) -> bool:
        return not self.clone.git("ls-files", "-u")

    def create(self, name: str) -> None:
        if name not in self.folders() and name not in map(self.name_of, self.folders()):
            self.clone.skill(name, new_body(self._line("me")))

    def edit(self, number: int, part: int) -> None:
        folder = self._any(number)
        if folder:
            text = with_line(self.text(folder), self._line("me"), part)
            self.clone.write(f"skills/{folder}/SKILL.md", text)

    def delete(self, number: int) -> None:
        folder = self._any(number)
        if folder and len(self.folders()) > FEWEST:
            self.given_up |= lines_of(self.text(folder))
            shutil.rmtree(self.clone.path / "skills" / folder)

    def _call(self, folder: str, name: str) -> None:
        text = _NAME.sub(f"name: {name}", self.text(folder), count=1)
        self.clone.write(f"skills/{folder}/SKILL.md", text)

    def rename(self, number: int, new: str, *, moves: bool) -> None:
        """Give a skill another name, and its folder too or not."""
        folder = self._any(number)
        taken = {*self.folders(), *map(self.name_of, self.folders())}
        if not folder or new in taken:
            return
        self._call(folder, new)
        if moves:
            self._move(folder, new)
        self.done["renamed here"] += 1

    def _move(self, folder: str, new: str) -> None:
        shutil.rmtree(self.clone.path / "skills" / new, ignore_errors=True)  # a pointer alone
        (self.clone.path / "skills" / folder).rename(self.clone.path / "skills" / new)

    def swap(self, number: int, *, moves: bool) -> None:
        """Exchange the names of two skills."""
        one, other = self._any(number), self._any(number + 1)
        if not one or not other or one == other:
            return
        names = self.name_of(one), self.name_of(other)
        self._call(one, names[1])
        self._call(other, names[0])
        if moves:
            self._move(one, "between")
            self._move(other, one)
            self._move("between", other)
        self.done["exchanged"] += 1

    def copy(self, number: int, new: str) -> None:
        folder = self._any(number)
        taken = {*self.folders(), *map(self.name_of, self.folders())}
        if folder and new not in taken:
            shutil.rmtree(self.clone.path / "skills" / new, ignore_errors=True)
            shutil.copytree(self.clone.path / "skills" / folder, self.clone.path / "skills" / new)
            self._call(new, new)
            self.copied |= lines_of(self.text(new))

    # ---------------------------------------------------------------- git

    def commit(self) -> None:
        self.clone.commit()

    def fresh(self) -> None:
        """Go on in a new clone of what was committed: what was not is left behind, and is in nobody's way."""
        left = self.lines_here()
        self.clone = self.clone.clone(self.folder / f"clone-{next(self._clones)}")
        self.given_up |= left - self.lines_here()

    # ---------------------------------------------------------------- skillsync

    def _run(self, run: Any) -> Report | None:
        try:
            report: Report = run()
        except SkillsyncError as error:
            self.done[f"ended by {type(error).__name__}"] += 1
            return None
        return report

    def push(self, number: int | None = None) -> None:
        folder = self._any(number) if number is not None else None
        words = [self.name_of(folder)] if folder else []
        before, here = self.there(), self.lines_here()
        report = self._run(lambda: self.clone.push(*words))
        after = self.there()
        said = (
            [(one.subject, one.did, one.row, one.exit) for one in report.outcomes]
            if report
            else None
        )
        for first, one in before.items():
            now = after.get(first)
            if now is None:
                raise Violation(f"a push archived {one.name}: {said}")
            lost = one.lines - now.lines - self.given_up
            if lost:
                raise Violation(f"a push of {words} threw {lost} of {one.name} away: {said}")
            self.done["published"] += now.version > one.version
            self.done["renamed by push"] += now.name != one.name
        for first, now in after.items():
            if first in before:
                continue
            self.done["created"] += 1
            again = (now.lines & self.archived) - self.copied
            if again:
                raise Violation(f"a push made {now.name} again, which was archived there: {said}")
        if here - self.lines_here():
            raise Violation(f"a push took {here - self.lines_here()} out of files: {said}")

    def pull(self) -> None:
        before, here = self.there(), self.lines_here()
        report = self._run(self.clone.pull)
        said = (
            [(one.subject, one.did, one.row, one.exit) for one in report.outcomes]
            if report
            else None
        )
        if self.there() != before:
            raise Violation(f"a pull wrote to the server: {said}")
        live = {line for one in before.values() for line in one.lines}
        lost = here - self.lines_here()
        for line in lost:
            if line not in self.served or line in live:
                raise Violation(f"a pull took {line!r} away: {said}")
        self.settle()

    def settle(self) -> None:
        """Keep both sides of every conflict that shows in a text."""
        if self.is_settled():
            return
        self.done["conflict"] += 1
        for folder in self.folders():
            text = self.text(folder)
            clean = _MARKER.sub("", _BASE_PART.sub("", text))
            if clean != text:
                self.clone.write(f"skills/{folder}/SKILL.md", clean)
        self.clone.git("add", "-A")

    # ---------------------------------------------------------------- what must hold

    def check(self) -> None:
        return

    def finish(self) -> None:
        """Both commands come to rest."""
        for _ in range(4):
            self.pull()
            self.commit()
            self.push()
            self.commit()
        before, files = self.there(), self.clone.files()
        self.push()
        self.pull()
        if self.there() != before or self.clone.files() != files:
            raise Violation("it does not come to rest")

    def close(self) -> None:
        self.live.close()
