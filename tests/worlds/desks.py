"""People at their desks: clones of one repository, what git does there, skillsync, and the books of who had seen what.

Nothing here asks the engine what it believes: the tokens say who had seen what (tokens.py), the server's rows say what
was published, the files say what is here. A slot is the smallest text that somebody edits.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from skillsync.errors import SkillsyncError
from skillsync.sync.git_drivers import teach_git
from skillsync.sync.merged_pointers import settle_pointers
from skillsync.sync.plan import make_plan
from skillsync.sync.report import Report
from tests.failing import When
from tests.sync.crash import Process, is_leftover, reborn
from tests.sync.harness import LIVES, Clone, Live, new_clone
from tests.worlds.tokens import Token, Tokens
from tests.worlds.trouble import one_answer_fails

MOST_RUNS = 6
"""How many rounds of pull, resolve and push may be needed until nothing is left to do (P4)."""

S = TypeVar("S", bound=Hashable)
X = TypeVar("X")
Meet = Callable[[S, str], Token]


class Violation(AssertionError):
    """An edit was lost, or something happened that nobody asked for."""


@dataclass
class Desk(Generic[S]):
    """What belongs to one person: a clone, what is in its files, its stash and its open conflict."""

    clone: Clone
    work: dict[S, Token]
    stash: tuple[dict[S, Token], dict[S, Token]] | None
    is_open: bool
    parked: tuple[dict[S, Token], set[S]]


class Desks(Generic[S, X]):
    """A server, a repository, and everything that was done to both. ``X`` is what was there before a run."""

    ROOT: ClassVar[str]
    """The folder below which everything of ours stands."""
    MISSING: ClassVar[Token | None] = None
    """What a slot holds in a tree that has it not, if that is something."""
    TEXTS: ClassVar[tuple[str, ...]]
    POINTERS: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path, *, dialect: str, team: bool, drivers: bool = False) -> None:
        """``drivers``: git merges with skillsync's drivers, as `init --merge-drivers` teaches it."""
        self.folder, self.team, self.drivers = folder, team, drivers
        self.tokens, self._values, self._clones = Tokens(), count(1), count(1)
        self.live: Live = LIVES[dialect](folder)
        self.clone = new_clone(self.live, folder / "clone-0", team="main" if team else None)
        self.committed: dict[str, dict[S, Token]] = {}
        self.work: dict[S, Token] = {}
        self.stash: tuple[dict[S, Token], dict[S, Token]] | None = None
        self.is_open = False
        """Whether a conflict is shown in the files: then they are no texts of anybody's."""
        self.parked: tuple[dict[S, Token], set[S]] = ({}, set())
        self.published: set[Token] = set()
        """What skillsync has put on the server."""
        self.other: Desk[S] | None = None
        """The desk of the other person, once somebody went there."""
        self.log: list[str] = []
        self.done: Counter[str] = Counter()
        """How often what really happened: a world in which nothing does proves nothing."""
        if drivers:
            teach_git(self.clone.workspace.repo, [self.ROOT])
            self.commit()

    def close(self) -> None:
        self.live.close()

    def fresh(self) -> str:
        return f"value-{next(self._values)}"

    # ---------------------------------------------------------------- what each kind of world says

    def here(self) -> dict[S, str]:
        """Read the values in the working tree."""
        raise NotImplementedError

    @property
    def can_edit(self) -> bool:
        """Whether there is something that a person can edit."""
        raise NotImplementedError

    def edit_some(self, number: int) -> None:
        """Replace the value of a slot by one that nobody used before."""
        raise NotImplementedError

    def web_edit_some(self, number: int) -> None:
        """The same in the web page, if it is there."""
        raise NotImplementedError

    def settle(self, meet: Meet[S]) -> None:
        """Give every slot that is here now its token."""
        raise NotImplementedError

    def of(self, slots: dict[S, Token], slot: S) -> Token:
        """Return the token of a slot in a tree; raises KeyError where such a slot has none."""
        token = slots.get(slot, self.MISSING)
        if token is None:
            raise KeyError(slot)
        return token

    def is_whole(self, slots: dict[S, Token]) -> bool:
        """Tell whether git's merges with a tree of these texts are books that can be kept."""
        raise NotImplementedError

    def settle_texts(self, unmerged: set[str]) -> None:
        """Write what a person makes of texts that git left in conflict."""
        raise NotImplementedError

    def look(self, sent: dict[S, Token], clone: Clone) -> X:
        """Note what is here and there before a run in a clone that would send this."""
        raise NotImplementedError

    def judge_push(self, seen: X, report: Report | None) -> None:
        """Judge what a push made of the server (P1, P2, P11, P12)."""
        raise NotImplementedError

    def judge_pull(self, seen: X, report: Report | None) -> None:
        """Judge what a pull left in the files (P1, P6), and give it its tokens."""
        raise NotImplementedError

    def come_to_rest(self) -> None:
        """P3, P4: a person settles what is open, everything comes to rest, and one more run is silent."""
        raise NotImplementedError

    # ---------------------------------------------------------------- what is here

    def text(self, path: str) -> str:
        file = self.clone.path / path
        return file.read_text() if file.is_file() else ""

    def head(self) -> str:
        return self.clone.head()

    def at(self, commit: str) -> dict[S, Token]:
        return self.committed.get(commit, {})

    def pushed(self) -> dict[S, Token]:
        """What push sends: the working tree, or HEAD's in team mode."""
        return self.at(self.head()) if self.team else self.work

    @property
    def is_dirty(self) -> bool:
        return bool(self.clone.git("status", "--porcelain"))

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
        """Commit the pointer alone, or the texts without it: then what was decided and changed no text is not in it."""
        before = self.at(self.head())
        paths = self.POINTERS if pointer else self.TEXTS
        there = [path for path in paths if (self.clone.path / path).is_file()]
        if not there or not self.git("add", *there):
            return
        if self.git("commit", "-q", "-m", "part", "--only", "--", *there):
            self.committed[self.head()] = before if pointer else self._undecided(before)
            self.done["part committed"] += 1

    def _undecided(self, before: dict[S, Token]) -> dict[S, Token]:
        """What a commit of texts alone holds: what was decided and changed no text goes with the pointer."""
        olds = [(slot, token, before.get(slot, self.MISSING)) for slot, token in self.work.items()]
        return {
            slot: old if old is not None and old.value == token.value else token
            for slot, token, old in olds
        }

    def amend(self) -> None:
        """What replaces a commit that others have, or that was published, does not know it: git forgets that it was."""
        old = self.at(self.head())
        before = self.at(self.clone.git("rev-parse", "-q", "--verify", "HEAD^", check=False))
        is_shared = self.other is not None and bool(
            self.other.clone.git("cat-file", "-t", self.head(), check=False)
        )
        self.clone.git("add", "-A")
        if self.git("commit", "-q", "--amend", "--allow-empty", "-m", "amended"):
            for slot, token in self.work.items():
                was, first = old.get(slot, self.MISSING), before.get(slot, self.MISSING)
                is_known = is_shared or was in self.published
                if (is_shared and token is not was) or (is_known and was not in {None, first}):
                    self.work[slot] = self.tokens.forget(token)
            self.committed[self.head()] = dict(self.work)
            self.done["amended"] += 1

    def branches(self) -> list[str]:
        return sorted(
            self.clone.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        )

    @property
    def has_branches(self) -> bool:
        """Whether there is another branch, from git's files: a process less."""
        folder = self.clone.path / ".git/refs/heads"
        return folder.is_dir() and len(list(folder.iterdir())) > 1

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
        old, was = self.at(self.head()), self.head()
        before = {slot: token.value for slot, token in self.work.items()}
        if not self.git(*words) or self.head() == was:
            return  # nothing has moved, and what is not committed is as it was
        self._bring_back_the_rest()
        new = self.at(self.head())
        gone = self.MISSING.value if self.MISSING else None
        self.done["checked out"] += 1

        def meet(slot: S, value: str) -> Token:
            is_edited = before.get(slot, gone) == value
            was_there = old.get(slot, self.MISSING)
            is_carried = is_edited and not (was_there and was_there.value == value)
            is_there = new.get(slot, self.MISSING)
            if is_there and is_there.value == value and not is_carried:
                return is_there
            return self.of(self.work, slot)

        self.settle(meet)

    def _bring_back_the_rest(self) -> None:
        """Whoever had removed all of it, and is given what another commit has otherwise, wants no half of it."""
        missing = [path for path in self.TEXTS if not (self.clone.path / path).exists()]
        if 0 < len(missing) < len(self.TEXTS):
            self.git("checkout", "-q", "HEAD", "--", *missing)

    def reset_hard(self) -> None:
        self.clone.git("reset", "-q", "--hard")
        self.clone.git("clean", "-qfd", self.ROOT)
        self.work = dict(self.at(self.head()))
        self.is_open = False

    def stash_push(self) -> None:
        if self.is_dirty and self.git("stash", "push", "-q", "-u"):
            self.stash = (dict(self.at(self.head())), dict(self.work))
            self.work = dict(self.at(self.head()))
            self.done["stashed"] += 1

    def stash_pop(self) -> None:
        if self.stash is None or self.is_dirty:
            return
        (before, there), self.stash = self.stash, None
        here = dict(self.work)
        if not self.git("stash", "pop", "-q"):
            self.reset_hard()
            self.git("stash", "drop", "-q")
            return
        self.done["popped"] += 1
        self.settle(lambda slot, value: self._popped(slot, value, here, before, there))

    def _popped(
        self,
        slot: S,
        value: str,
        here: dict[S, Token],
        before: dict[S, Token],
        there: dict[S, Token],
    ) -> Token:
        """Return what a slot is once the change from ``before`` to ``there`` was taken out of the stash."""
        local, old, new = (self.of(side, slot) for side in (here, before, there))
        if all(self.of(before, one).value == token.value for one, token in here.items()):
            return new if value == new.value else local
        return self.tokens.pick(old, new, local, value)

    # ---------------------------------------------------------------- git: bringing histories together

    def _other_branch(self, number: int) -> str | None:
        here = self.clone.git("branch", "--show-current")
        names = [name for name in self.branches() if name != here]
        return names[number % len(names)] if names else None

    def _is_clean_with(self, *others: dict[S, Token]) -> bool:
        return not self.is_dirty and all(map(self.is_whole, (self.work, *others)))

    def merge(self, number: int, *, how: str) -> None:
        """Merge, squash or rebase with another branch; a person settles what git cannot. A rebase is many picks."""
        other = self._other_branch(number)
        if other is None or not self._is_clean_with(there := self.at(self._tip(other))):
            return
        here, was = dict(self.work), self.head()
        words = {
            "merge": ("merge", "-q", "--no-edit", other),
            "squash": ("merge", "-q", "--squash", other),
            "rebase": ("rebase", "-q", other),
        }[how]
        self.git(*words)
        stops = self._finish(how)
        is_silent = how == "merge" and not stops

        def meet(slot: S, value: str) -> Token:
            local, remote = self.of(here, slot), self.of(there, slot)
            token = self.met(slot, value, local, remote, is_silent=is_silent)
            is_old = token is local or token is remote
            return token if is_old or how != "rebase" else self.tokens.forget(token)

        self.settle(meet)
        if how == "squash":
            self.commit()
        self.committed[self.head()] = dict(self.work)
        self.done[how] += self.head() != was
        self.done[f"{how} stopped"] += stops > 0

    def met(self, slot: S, value: str, here: Token, there: Token, *, is_silent: bool) -> Token:  # noqa: ARG002
        """Return what a slot is once git has brought two histories together; ``is_silent``: by itself."""
        return self.tokens.meet(here, there, value)

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
        if not revert and self._links(commit, parent):
            return  # its pointers' lines are all new to git, so that those here cannot be older
        here, was = dict(self.work), self.head()
        verb = "revert" if revert else "cherry-pick"
        words = (verb, "--no-edit", commit)
        if not self.git(*words):
            self._finish(verb)
        if revert and self.head() != was:
            self._keep_pointers(was)
        self.settle(
            lambda slot, value: (
                self.reverted(self.of(here, slot), value)
                if revert
                else self.tokens.pick(
                    self.of(before, slot), self.of(there, slot), self.of(here, slot), value
                )
            )
        )
        self.committed[self.head()] = dict(self.work)
        self.done[verb] += self.head() != was

    def _links(self, commit: str, parent: str) -> bool:
        """Tell whether a commit wrote pointers where there were none."""
        asked = [f"{one}:{path}" for path in self.POINTERS for one in (parent, commit)]
        found = [bool(self.clone.git("cat-file", "-t", name, check=False)) for name in asked]
        return any(new and not old for old, new in zip(found[::2], found[1::2], strict=True))

    def _keep_pointers(self, commit: str) -> None:
        """Who reverts a pull keeps its pointer, which says that it was seen and rejected (B2)."""
        for path in self.POINTERS:
            self.git("checkout", "-q", commit, "--", path)
        self.git("commit", "-q", "--amend", "--no-edit", "--allow-empty")

    def reverted(self, here: Token, value: str) -> Token:
        """Return what a slot is once a commit's change was taken back."""
        return here if here.value == value else self.tokens.edit(here, value)

    def _finish(self, how: str) -> int:
        """Settle every stop of a git command: texts by a person, pointers by skillsync. Return how many there were."""
        for stops in range(30):
            if self.clone.git("ls-files", "-u"):
                self._settle_conflict()
            elif not self._in_progress():
                return stops
            if how == "squash":
                return 1
            verb = self._in_progress()
            if verb is None:
                return stops
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

    def _unmerged(self) -> set[str]:
        return set(self.clone.git("diff", "--name-only", "--diff-filter=U").splitlines())

    def _settle_conflict(self) -> None:
        unmerged = self._unmerged()
        self.settle_texts(unmerged & {*self.TEXTS})
        for path in unmerged - {*self.TEXTS, *self.POINTERS}:
            self._keep_ours(path)
        if unmerged & {*self.POINTERS}:
            settle_pointers(self.clone.workspace, self.clone.writer(), Report("pull", "local"))
            left = self._unmerged()
            for path in self.POINTERS:
                if path in left:
                    self._keep_ours(path)
            self.done["pointers settled"] += not left

    def _keep_ours(self, path: str) -> None:
        self.git("checkout", "-q", "--ours", path)
        self.clone.git("add", "-A", path)

    # ---------------------------------------------------------------- skillsync

    def _quietly(self, run: Callable[[], Report]) -> Report | None:
        """Run a command; an error that it knows is an answer, anything else is a failure of the test."""
        try:
            report = run()
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message} {error.unchanged}")
            self._check_said(repr(error), str(error), str(error.hint))
            return None
        self._check_said(repr(report))
        return report

    def _check_said(self, *texts: str) -> None:
        """P15: no word and no address holds the key."""
        key = self.live.keys["me"]
        addresses = [url for _, url in self.clone.requests.made] if self.clone.requests else []
        for text in (*texts, *addresses):
            if key in text:
                raise Violation(f"the key is in {text!r} (P15)")

    def push(self) -> Report | None:
        seen = self.look(dict(self.pushed()), self.clone)
        report = self._quietly(self.clone.push)
        self.judge_push(seen, report)
        return report

    def pull(self) -> Report | None:
        seen = self.look(dict(self.pushed()), self.clone)
        report = self._quietly(self.clone.pull)
        self.judge_pull(seen, report)
        return report

    def plan(self) -> None:
        """P19: looking writes nothing: no file, no index, no ref but our own cache, nothing remote."""
        before = self._state()
        if self.clone.requests:
            self.clone.requests.made.clear()

        def look() -> None:
            self.clone.status()
            with self.clone.connect(self.clone.target) as remote:
                made = make_plan(self.clone.workspace, self.clone.target, remote)
            self._check_said(repr(made))

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
        # It is gone, so this clone's main is what counts.
        self.clone.git("remote", "remove", "origin")
        if self.drivers:
            teach_git(self.clone.workspace.repo, [self.ROOT])
        self.work, self.stash, self.is_open = dict(self.at(self.head())), None, False

    def go_to_the_other_desk(self) -> None:
        """Another person works on, in a clone of their own that knows what this one once knew."""
        mine = Desk(self.clone, self.work, self.stash, self.is_open, self.parked)
        if self.other is None:
            self.fresh_clone()
        else:
            there = self.other
            self.clone, self.work, self.stash = there.clone, there.work, there.stash
            self.is_open, self.parked = there.is_open, there.parked
            self.done["back at a desk"] += 1
        self.other = mine

    def fetch(self, number: int) -> None:
        """Fetch a branch of the other desk, as a branch that can be merged."""
        if self.other is None:
            return
        names = self.other.clone.git(
            "for-each-ref", "--format=%(refname:short)", "refs/heads"
        ).split()
        name = names[number % len(names)]
        from_there = str(self.other.clone.path)
        self.done["fetched"] += self.git("fetch", "-q", from_there, f"+{name}:refs/heads/fetched")

    def job(self, back: int) -> None:
        """CI publishes a commit of main from a clone that knows nothing else, the newest one or an older one."""
        commits = self.clone.git("rev-list", "--first-parent", "main").split()
        known = [commit for commit in commits if self.at(commit)]
        commit = known[back % len(known)]
        path = self.folder / f"job-{next(self._clones)}"
        job = self.clone.clone(path)
        job.git("checkout", "-q", "--detach", commit)
        seen = self.look(dict(self.at(commit)), job)
        self.judge_push(seen, self._quietly(job.push))
        if job.git("status", "--porcelain"):
            raise Violation("a job left something behind")
        self.done["job"] += 1
        shutil.rmtree(path)

    # ---------------------------------------------------------------- when things go wrong

    def crash(self, verb: str, k: int, when: When) -> None:
        """The process dies at its k-th effect; the next one finishes what it had begun."""
        seen = self.look(dict(self.pushed()), self.clone)
        run: Callable[[Clone], object] = Clone.push if verb == "push" else Clone.pull
        try:
            died = Process(k, when=when).run(self.clone, run)
        except SkillsyncError as error:
            self.log.append(f"  {error.code}: {error.message}")
            died = False
        self.clone = reborn(self.clone)
        self.log.append(f"  died: {died}")
        self.done[f"died in a {verb}"] += died
        if verb == "push":
            self.judge_push(seen, None)
            self.push()
            return
        report = self._quietly(self.clone.pull)
        self.judge_pull(seen, report)
        if report is not None and [path for path in self.clone.files() if is_leftover(path)]:
            raise Violation("a temporary file was left behind")

    def fault(self, verb: str, number: int, kind: str) -> None:
        """One request of a run fails: it never arrives, its answer is lost, or the server cannot."""
        with one_answer_fails(self.clone, number, kind):
            self.push() if verb == "push" else self.pull()

    # ---------------------------------------------------------------- what holds always, and in the end

    def check(self) -> None:
        """P14, P15 and the oracle's own books, after each step."""
        if not self.is_open and (found := self.here()) != (books := self.books()):
            raise AssertionError(f"the books are wrong: {found}, {books}")
        allowed = (f"{self.ROOT}/", "skillsync.toml", *([".gitattributes"] if self.drivers else ()))
        strange = [path for path in self.clone.files() if not path.startswith(allowed)]
        beside = ("clone-", "server.sqlite3")
        strange += [one.name for one in self.folder.iterdir() if not one.name.startswith(beside)]
        if strange:
            raise Violation(f"written outside of the roots: {strange} (P14)")
        self._check_secrets()

    def books(self) -> dict[S, str]:
        """Return the values that should be in the working tree."""
        return {slot: token.value for slot, token in self.work.items()}

    def finish(self) -> None:
        """P3, P4, P15 at each desk."""
        self._finish_desk()
        if self.other is not None:
            self.go_to_the_other_desk()
            self._finish_desk()

    def _finish_desk(self) -> None:
        if self._in_progress() or self.is_open:
            self.reset_hard()
        if self.team:
            self.clone.git("switch", "-q", "-f", "main")
            self.clone.git("clean", "-qfd", self.ROOT)
            self.work = dict(self.at(self.head()))
        self.come_to_rest()
        self._check_secrets()
        self._check_objects()

    def _check_secrets(self) -> None:
        """P15: no file of the clone, git's own included, holds the key."""
        key = self.live.keys["me"].encode()
        for path in self.clone.path.rglob("*"):
            if path.is_file() and path.parts[-3] != "objects" and key in path.read_bytes():
                raise Violation(f"{path} holds the key (P15)")

    def _check_objects(self) -> None:
        """P15: nothing that git keeps does, either; it keeps it compressed."""
        asked = ["git", "cat-file", "--batch-all-objects", "--batch"]
        kept = subprocess.run(asked, cwd=self.clone.path, check=True, capture_output=True).stdout
        if self.live.keys["me"].encode() in kept:
            raise Violation("git keeps the key (P15)")
