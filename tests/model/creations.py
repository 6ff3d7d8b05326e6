"""Random histories of a skill that jobs create, and that somebody may archive and make again (sync.md B9).

A creation carries no marker, so a version that does follows it; a job may die between the two. Then version 1 is known
again by its author and its content. What somebody else made again, of an old text maybe, is nobody's publish.
"""

from __future__ import annotations

from dataclasses import replace

from skillsync.core.base import WalkStep, own_creation
from skillsync.core.reconcile import (
    Absence,
    BaseFact,
    LocalFact,
    PushStep,
    RemoteFact,
    SkillFacts,
    decide_skill,
)
from tests.model.histories import Commit, History, Tree, digest


class Created(History):
    """Nothing is published at first. People edit, land and let jobs publish; nobody pulls."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.main = self.commit((), self.main.tree, 0)
        self.remote = []
        self.incarnation, self.is_own = 0, True

    # ---------------------------------------------------------------- what core is asked

    def facts(self, commit: Commit) -> SkillFacts:
        local = LocalFact(digest(commit.tree))
        if not self.remote:
            return SkillFacts("triage", None, local, None, Absence.NEVER)
        remote = self._fact(self.latest)
        base = self._base(commit)
        is_alone = self.latest == 1 and base is not None and base.id == remote.id
        is_equal = remote.digest == local.digest
        return SkillFacts(
            "triage",
            base,
            local,
            replace(remote, own=self.is_own),
            Absence.PRESENT,
            self.is_late(commit) or (self.latest == 1 and self.is_reverted(commit)),
            unmarked=is_alone and is_equal,
        )

    def _fact(self, number: int) -> RemoteFact:
        first = f"incarnation {self.incarnation}"
        content = digest(self.remote[number - 1][0])
        return RemoteFact(number, f"{first}, {number}", first, content)

    def _base(self, commit: Commit) -> BaseFact | None:
        number = self.taken(commit)
        if number:
            fact = self._fact(number)
            assert fact.digest is not None
            return BaseFact(fact.number, fact.id, fact.first, fact.digest)
        if not self.rules.own_creation:
            return None
        first = self._fact(1)
        assert first.digest is not None
        history = sorted(commit.history.values(), key=lambda one: one.id)
        matches = [at for at, one in enumerate(history) if digest(one.tree) == first.digest]
        own = self.is_own or not self.rules.creator_matters
        later = self.is_reverted(commit)
        step = WalkStep(1, first.id, first.digest, own, tuple(matches), later)
        return own_creation(step, first.first)

    def is_reverted(self, commit: Commit) -> bool:
        """Whether a commit of main that comes later has the content of our version 1 again (sync/made_later.py)."""
        if not (self.rules.reverts_count and self.is_own):
            return False
        content = digest(self.remote[0][0])
        later = self.main.history.keys() - commit.history.keys()
        return any(
            digest(self.main.history[one].tree) == content
            and not any(digest(base.tree) == content for base in self._since(commit, one))
            for one in later
        )

    def _since(self, commit: Commit, other: str) -> list[Commit]:
        """The commits where two histories parted, and those of the first one since then."""
        parted = self.graph.merge_bases(commit.id, other)
        since = commit.history.keys() - self.graph.commits[other].history.keys()
        return [self.graph.commits[one] for one in {*parted, *since}]

    # ---------------------------------------------------------------- skillsync

    def push(self, commit: Commit) -> str:
        verdict = decide_skill(self.facts(commit))
        self.done[str(verdict.push)] += 1
        if verdict.push is PushStep.CREATE:
            self._create(commit)
        elif verdict.push is PushStep.PUBLISH:
            self.publish(commit.tree, commit.id)
        elif verdict.push is PushStep.MARK:
            self.remote.append((self.remote[-1][0], commit.id))
        elif verdict.push in {PushStep.REFUSE, PushStep.CONFLICT} and self.is_own:
            self.done["own creation refused"] += self._is_known(commit)
        return str(verdict.push)

    def _create(self, commit: Commit) -> None:
        self.remote, self.is_own = [(commit.tree, None)], True
        self.incarnation += 1
        if self.chance.random() >= self.rules.crash:
            self.remote.append((commit.tree, commit.id))

    def _is_known(self, commit: Commit) -> bool:
        latest = self.remote[-1][0]
        return all(old in new.known for old, new in zip(latest, commit.tree, strict=True))

    # ---------------------------------------------------------------- the web page

    def web(self) -> None:
        if not self.remote or self.chance.random() < 0.5:
            return
        if self.chance.random() < 0.4:
            self.made_again()
        elif self.chance.random() < 0.2:
            super().web()

    def made_again(self) -> None:
        """Somebody archives it and makes it again of a text that once was in git."""
        history = sorted(self.main.history.values(), key=lambda one: one.id)
        old = self.chance.choice(history).tree
        tree: Tree = tuple(self.tokens.first(each.value) for each in old)
        self.remote, self.is_own = [(tree, None)], False
        self.incarnation += 1

    def pull(self, name: str) -> None:  # noqa: ARG002
        """What was made again is a person's matter: an archive frees the name, and the next job creates it."""
        if self.remote and not self.is_own and self.chance.random() < 0.5:
            self.remote = []
