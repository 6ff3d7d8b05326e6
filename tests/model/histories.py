"""Random histories of one skill, played through the real decisions of core (sync.md 5.4).

People edit and revert in the web page; branches are edited, reverted, picked from, pulled into, landed by squash or
merge; jobs publish commits in any order and may die once the server has accepted. What a tree has taken in, what the
bases are, what push and pull do, how slots merge and which pointer survives a conflict is asked of `skillsync.core`.
What really happened is known to the tokens alone (tests/worlds/tokens.py). A slot is a metadata key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from random import Random

from skillsync.core.base import after_git_merge
from skillsync.core.merge import TextMerge, merge_skill
from skillsync.core.merge_bases import common_base
from skillsync.core.reconcile import (
    Absence,
    BaseFact,
    LocalFact,
    PullStep,
    PushStep,
    RemoteFact,
    SkillFacts,
    decide_skill,
)
from skillsync.core.stitched import (
    Ancestry,
    Bases,
    MarkedVersion,
    bases,
    is_superseded,
    taken_in,
)
from skillsync.model import Digest, Skill, SkillPointer
from tests.worlds.tokens import Token, Tokens, is_in, is_lost

SLOTS = 3
FIRST = "2026-08-01T10:00:00Z"
Tree = tuple[Token, ...]


@dataclass(frozen=True)
class Rules:
    """What may happen, and how often; each rule of sync.md 5.3 can be switched off."""

    ff_only: bool = True  # B1
    pointer_stays: bool = True  # B2
    branch_pointer: bool = True  # B3
    branches_stay: bool = True  # B3
    all_bases: bool = True  # B4
    equal_is_nothing: bool = True  # B5
    safe_pointer: bool = True  # B6
    whole_history: bool = True  # B7
    superseded: bool = True  # B8
    own_creation: bool = True  # B9, for tests/model/creations.py
    creator_matters: bool = True  # B9
    reverts_count: bool = True  # B9
    shallow: float = 0.0
    web_revert: float = 0.25
    git_revert: float = 0.15
    out_of_order: float = 0.3
    crash: float = 0.15
    weights: tuple[int, ...] = (10, 12, 14, 8, 12, 22, 5, 0)


@dataclass(frozen=True, eq=False)
class Commit:
    """``pointer`` is the number in the pointer file; ``id`` grows with the making."""

    id: str
    parents: tuple[Commit, ...]
    tree: Tree
    pointer: int

    @cached_property
    def history(self) -> Mapping[str, Commit]:
        """The commit and all its ancestors by id."""
        found: dict[str, Commit] = {self.id: self}
        for parent in self.parents:
            found |= parent.history
        return found


class Graph:
    """Ancestry as core asks for it."""

    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}

    def contains(self, commit: str, ancestor: str) -> bool:
        return ancestor in self.commits[commit].history

    def merge_bases(self, one: str, other: str) -> list[str]:
        common = self.commits[one].history.keys() & self.commits[other].history.keys()
        covered = {
            each for commit in common for each in self.commits[commit].history if each != commit
        }
        return sorted(common - covered)


class CutOff(Exception):
    """A clone has too little of the history to answer."""


@dataclass(frozen=True)
class ShallowGraph:
    """The graph in a clone that has a few generations of one commit. What lies beyond it cannot tell, or guesses."""

    seen: Mapping[str, Commit]
    guesses: bool

    def contains(self, commit: str, ancestor: str) -> bool:
        if ancestor in self._history(commit):
            return True
        if not self.guesses:
            raise CutOff
        return False

    def merge_bases(self, one: str, other: str) -> list[str]:
        if not self.guesses:
            raise CutOff
        common = self._history(one) & self._history(other)
        covered = {each for commit in common for each in self._history(commit) if each != commit}
        return sorted(common - covered)

    def _history(self, commit: str) -> set[str]:
        found, left = set[str](), [commit]
        while left:
            one = left.pop()
            if one in self.seen and one not in found:
                found.add(one)
                left += [parent.id for parent in self.seen[one].parents]
        return found


def generations(commit: Commit, depth: int) -> dict[str, Commit]:
    """Return what a clone of this depth has of a commit's history."""
    seen, level = {commit.id: commit}, [commit]
    for _ in range(depth - 1):
        level = [parent for one in level for parent in one.parents]
        seen |= {one.id: one for one in level}
    return seen


def values(tree: Tree) -> tuple[str, ...]:
    return tuple(token.value for token in tree)


def digest(tree: Tree) -> Digest:
    return Digest(" ".join(values(tree)))


def skill(tree: Tree) -> Skill:
    return Skill("triage", "Sorts.", "Body.", metadata=dict(zip("abc", values(tree), strict=True)))


def no_text(base: str, local: str, remote: str) -> TextMerge:
    raise AssertionError("the slots are keys")


@dataclass
class History:
    """One history; ``lost`` counts lost edits, ``wrong`` those and wrong words, ``done`` what happened."""

    seed: int
    rules: Rules
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance, self.tokens, self.graph = Random(self.seed), Tokens(), Graph()
        self._ids, self._values = count(1), count(1)
        first = tuple(self.tokens.first(f"first-{slot}") for slot in range(SLOTS))
        self.main = self.commit((), first, 1)
        self.remote: list[tuple[Tree, str | None]] = [(first, self.main.id)]
        self.branches: dict[str, Commit] = {}
        self.jobs: list[Commit] = []
        self.seen: Mapping[str, Commit] | None = None
        """What the clone that is worked in has of the history; None: all."""

    @property
    def lost(self) -> int:
        return self.done["lost in a publish"] + self.done["lost in a merge"]

    @property
    def wrong(self) -> int:
        return self.lost + self.done["late job blamed"] + self.done["own creation refused"]

    def commit(self, parents: tuple[Commit, ...], tree: Tree, pointer: int) -> Commit:
        made = Commit(f"{next(self._ids):06}", parents, tree, pointer)
        self.graph.commits[made.id] = made
        return made

    def fresh(self) -> str:
        return f"v{next(self._values)}"

    @property
    def latest(self) -> int:
        return len(self.remote)

    # ---------------------------------------------------------------- what core is asked

    def versions(self, *, reachable: bool = False) -> list[MarkedVersion]:
        """The versions as a clone sees them; with ``reachable`` without the markers of branches that are gone."""
        gone = reachable and not self.rules.branches_stay
        return [
            MarkedVersion(number, str(number), None if gone and commit and commit not in self.main.history else commit)
            for number, (_, commit) in enumerate(self.remote, 1)
        ]  # fmt: skip

    @contextmanager
    def clone_of(self, commit: Commit) -> Iterator[None]:
        """Work in a clone, now and then one whose history is cut off; what that cannot answer is left."""
        if self.rules.shallow and self.chance.random() < self.rules.shallow:
            self.seen = generations(commit, self.chance.randint(1, 4))
        try:
            with suppress(CutOff):
                yield
                return
            self.done["refused: cut off"] += 1
        finally:
            self.seen = None

    @property
    def ancestry(self) -> Ancestry:
        if self.seen is None:
            return self.graph
        return ShallowGraph(self.seen, guesses=not self.rules.whole_history)

    def here(self, commit: Commit) -> list[Commit]:
        """The commits of a history that this clone has."""
        history = commit.history.values()
        return [one for one in history if self.seen is None or one.id in self.seen]

    def taken(self, commit: Commit) -> int:
        pointers = {one.pointer for one in self.here(commit)}
        return taken_in(pointers, self.versions(), head=commit.id, graph=self.ancestry)

    def is_late(self, commit: Commit) -> bool:
        """Whether the latest version was made from what comes after this commit (B8)."""
        if not self.rules.superseded:
            return False
        return is_superseded(self.versions()[-1], head=commit.id, graph=self.ancestry)

    def facts(self, commit: Commit) -> SkillFacts:
        base, latest = self.taken(commit), self.remote[-1][0]
        if not self.rules.equal_is_nothing and values(self.remote[base - 1][0]) == values(latest):
            base = self.latest
        trees = [self.remote[base - 1][0]] if base == self.latest else self.base_trees(commit)
        alike = {digest(tree) for tree in trees}
        return SkillFacts(
            "triage",
            BaseFact(base, str(base), FIRST, alike.pop() if len(alike) == 1 else Digest("")),
            LocalFact(digest(commit.tree)),
            RemoteFact(self.latest, str(self.latest), FIRST, digest(latest)),
            Absence.PRESENT,
            self.is_late(commit),
        )

    def bases(self, commit: Commit) -> Bases:
        taken = self.taken(commit)
        if not self.rules.all_bases:
            return Bases(taken)
        return bases(
            taken,
            self.versions(reachable=True),
            head=commit.id,
            graph=self.ancestry,
            taken_at=lambda each: self.taken(self.graph.commits[each]),
        )

    def base_trees(self, commit: Commit) -> list[Tree]:
        found = self.bases(commit)
        trees = [self.remote[found.version - 1][0]] if found.version else []
        return trees + [self.graph.commits[each].tree for each in found.commits]

    def merge(self, commit: Commit) -> tuple[Tree, bool]:
        """Merge the latest version into a commit, and tell whether a person had to choose."""
        local, remote = skill(commit.tree), skill(self.remote[-1][0])
        base = common_base([skill(tree) for tree in self.base_trees(commit)], sides=[local, remote])
        made = merge_skill(base, local, remote, merge_text=no_text)
        disputed = {conflict.unit for conflict in made.conflicts}
        tree = []
        for key, mine, other in zip("abc", commit.tree, self.remote[-1][0], strict=True):
            if f"metadata.{key}" in disputed:
                tree.append(self.tokens.join(mine, other, self.fresh()))
                continue
            value = str(made.skill.metadata[key])
            lost = mine.value != other.value and is_lost(mine, other, value)
            self.done["lost in a merge"] += lost
            self.done["lost without a pick"] += lost and not (mine.is_picked or other.is_picked)
            tree.append(
                other
                if lost and value == other.value
                else mine
                if lost
                else self.tokens.meet(mine, other, value)
            )
        return tuple(tree), bool(disputed)

    # ---------------------------------------------------------------- skillsync

    def publish(self, tree: Tree, marker: str | None) -> None:
        kept = all(is_in(old, new) for old, new in zip(self.remote[-1][0], tree, strict=True))
        self.done["lost in a publish"] += not kept
        self.done["lost without a pick"] += any(
            not is_in(old, new) and not (old.is_picked or new.is_picked)
            for old, new in zip(self.remote[-1][0], tree, strict=True)
        )
        self.done["published"] += 1
        self.remote.append((tree, marker))

    def push(self, commit: Commit) -> str:
        verdict = decide_skill(self.facts(commit))
        if verdict.push is PushStep.PUBLISH:
            self.publish(commit.tree, commit.id)
            return "published"
        if verdict.push is PushStep.BLOCK and not self.rules.ff_only:
            tree, disputed = self.merge(commit)
            if not disputed and values(tree) != values(self.remote[-1][0]):
                self.publish(tree, None)
                return "published"
        self.done[str(verdict.push)] += 1
        made_from = self.remote[-1][1]
        is_late = made_from and commit.id in self.graph.commits[made_from].history
        self.done["late job blamed"] += verdict.push is PushStep.BLOCK and bool(is_late)
        return str(verdict.push)

    def pull(self, name: str) -> None:
        commit = self.branches[name]
        step = decide_skill(self.facts(commit)).pull
        if step is PullStep.NOTHING:
            return
        assert step in {PullStep.FAST_FORWARD, PullStep.MERGE, PullStep.LINK}, step
        if step is PullStep.MERGE:
            tree, _ = self.merge(commit)
        else:
            wanted = self.remote[-1][0] if step is PullStep.FAST_FORWARD else commit.tree
            tree = tuple(
                self._without_merge(*one)
                for one in zip(commit.tree, self.remote[-1][0], wanted, strict=True)
            )
        self.branches[name] = self.commit((commit,), tree, self.latest)
        self.done["pulled"] += 1

    def _without_merge(self, mine: Token, other: Token, wanted: Token) -> Token:
        lost = mine.value != other.value and is_lost(mine, other, wanted.value)
        self.done["lost in a merge"] += lost
        self.done["lost without a pick"] += lost and not (mine.is_picked or other.is_picked)
        return self.tokens.meet(mine, other, wanted.value)

    # ---------------------------------------------------------------- the web page and git

    def web(self) -> None:
        now = self.remote[-1][0]
        if self.chance.random() < self.rules.web_revert and self.latest > 1:
            old = self.remote[self.chance.randrange(self.latest - 1)][0]
            tree = tuple(
                a if a.value == b.value else self.tokens.edit(a, b.value)
                for a, b in zip(now, old, strict=True)
            )
            if values(tree) == values(now):
                return
        else:
            tree = self.edited(now)
        self.remote.append((tree, None))

    def edited(self, tree: Tree) -> Tree:
        at = self.chance.randrange(SLOTS)
        return tuple(
            self.tokens.edit(each, self.fresh()) if slot == at else each
            for slot, each in enumerate(tree)
        )

    def edit(self, commit: Commit) -> Commit:
        if self.chance.random() < self.rules.git_revert and commit.parents:
            old = self.chance.choice(sorted(commit.history.values(), key=lambda each: each.id))
            tree = tuple(
                a if a.value == b.value else self.tokens.edit(a, b.value)
                for a, b in zip(commit.tree, old.tree, strict=True)
            )
            return self.commit(
                (commit,), tree, commit.pointer if self.rules.pointer_stays else old.pointer
            )
        return self.commit((commit,), self.edited(commit.tree), commit.pointer)

    def pointer_after(self, base: int, here: int, there: int) -> int:
        """What is left of two pointers: git takes the one that changed, core settles a conflict (B6)."""
        if here == there or there == base:
            return here
        if here == base:
            return there
        if not self.rules.safe_pointer:
            return max(here, there)
        line = after_git_merge(
            *(
                SkillPointer("h/1", each, str(each), FIRST, Digest(""))
                for each in (base, here, there)
            )
        )
        assert line is not None
        return line.number

    def land(self, name: str) -> None:
        commit, main = self.branches.pop(name), self.main
        if main.id not in commit.history:
            base = self.graph.commits[max(self.graph.merge_bases(commit.id, main.id))]
            tree = []
            for old, mine, other in zip(base.tree, commit.tree, main.tree, strict=True):
                clash = mine.value != other.value and old.value not in (mine.value, other.value)
                value = (
                    self.fresh()
                    if clash
                    else other.value
                    if old.value == mine.value
                    else mine.value
                )
                tree.append(self.tokens.meet(mine, other, value))
            pointer = self.pointer_after(base.pointer, commit.pointer, main.pointer)
            commit = self.commit((commit, main), tuple(tree), pointer)
        is_merge = self.chance.random() < 0.2
        self.main = self.commit(
            (main, commit) if is_merge else (main,), commit.tree, commit.pointer
        )
        self.jobs.append(self.main)

    def pick(self, name: str) -> None:
        pool = {one.id: one for branch in self.branches.values() for one in branch.history.values()}
        picked, here = self.chance.choice([pool[one] for one in sorted(pool)]), self.branches[name]
        if not picked.parents:
            return
        parent, tree = picked.parents[0], []
        for before, old, new in zip(parent.tree, here.tree, picked.tree, strict=True):
            if new.value in (before.value, old.value):
                tree.append(old)
            else:
                value = new.value if old.value == before.value else self.fresh()
                tree.append(self.tokens.join(old, new, value, is_picked=True))
        pointer = self.pointer_after(parent.pointer, here.pointer, picked.pointer)
        if len({parent.pointer, here.pointer, picked.pointer}) == 3 and pointer > here.pointer:
            self._check_claim(tuple(tree), pointer)
        self.branches[name] = self.commit((here,), tuple(tree), pointer)

    def _check_claim(self, tree: Tree, pointer: int) -> None:
        """Count a conflict of pointers that was settled by a claim, and whether the tree really has that version."""
        claimed = self.remote[pointer - 1][0]
        self.done["claimed after a conflict"] += 1
        self.done["claimed falsely"] += not all(
            is_in(old, new) for old, new in zip(claimed, tree, strict=True)
        )

    def job(self) -> None:
        if not self.jobs:
            return
        late = self.chance.random() < self.rules.out_of_order
        commit = self.jobs.pop(self.chance.randrange(len(self.jobs)) if late else 0)
        dies = self.chance.random() < self.rules.crash
        said = ""
        with self.clone_of(commit):
            said = self.push(commit)
        if dies:  # once the server has accepted; the job is run again
            self.jobs.append(commit)
        elif said == "block" and self.chance.random() < 0.7:
            self.branches["fix"] = self.main
            self.pull("fix")
            self.land("fix")

    def branch_publish(self, name: str) -> None:
        commit = self.branches[name]
        if self.push(commit) == "published" and self.rules.branch_pointer:
            tree = commit.tree if self.rules.ff_only else self.remote[-1][0]
            self.branches[name] = self.commit((commit,), tree, self.latest)

    def step(self) -> None:
        acts = ("web", "branch", "edit", "pull", "land", "job", "branch_publish", "pick")
        act = self.chance.choices(acts, self.rules.weights)[0]
        if act in ("web", "job"):
            getattr(self, act)()
        elif act == "branch":
            if len(self.branches) < 3:
                self.branches[f"b{self.chance.randrange(10**6)}"] = self.edit(self.main)
        elif self.branches:
            name = self.chance.choice(list(self.branches))
            if act == "edit":
                self.branches[name] = self.edit(self.branches[name])
            elif act == "pull":
                with self.clone_of(self.branches[name]):
                    self.pull(name)
            else:
                getattr(self, act)(name)


def play(
    seeds: Sequence[int], rules: Rules, *, steps: int = 60, of: type[History] = History
) -> tuple[int, Counter[str]]:
    """Play a history per seed; return how many went wrong, and what happened in all of them."""
    wrong, total = 0, Counter[str]()
    for seed in seeds:
        history = of(seed, replace(rules))
        for _ in range(steps):
            history.step()
        wrong += history.wrong > 0
        total += history.done
    return wrong, total
