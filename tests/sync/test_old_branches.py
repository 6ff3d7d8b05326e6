"""The test of any shortcut: whatever git did between two runs, an old text is never published over a newer version."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.sync.dialects import current_only
from tests.sync.harness import Clone, Live, begin
from tests.world import git

BOTH_DIALECTS = True

BODY = "top\n\nslot a\n\nslot b\n\nslot c\n\nbottom\n"
FIRST_ROW = '{"id": "r1", "input": "one", "expected_output": "first"}'
OTHER_ROW = '{"id": "r2", "input": "two", "expected_output": "second"}'


@dataclass
class Subject:
    """One object of one kind, edited on both sides in the same words: ``local`` in the file, ``web`` in the page."""

    clone: Clone
    live: Live
    path: str

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def pointer(self) -> str:
        return f"{self.folder}/.skillsync"

    def local(self, text: str) -> None:
        """Put a text into the place that a local edit takes, over the one that is there."""
        raise NotImplementedError

    def local_elsewhere(self, text: str) -> None:
        """Edit another unit, one that merges cleanly with ``local`` and ``web``."""
        raise NotImplementedError

    def web(self, text: str) -> None:
        """Put a text into the same place in the web page."""
        raise NotImplementedError

    def remote(self) -> str:
        """The remote content as one text."""
        raise NotImplementedError


class SkillSubject(Subject):
    @classmethod
    def make(cls, clone: Clone) -> SkillSubject:
        return cls(clone, clone.live, clone.skill("alpha", BODY))

    def _set(self, prefix: str, text: str) -> None:
        lines = [
            f"{prefix} {text}" if line.startswith(prefix) else line
            for line in self.clone.read(self.path).split("\n")
        ]
        self.clone.write(self.path, "\n".join(lines))

    def local(self, text: str) -> None:
        self._set("slot a", text)

    def local_elsewhere(self, text: str) -> None:
        self._set("slot c", text)

    def web(self, text: str) -> None:
        body = self.live.skill("alpha")["body"]
        line = next(line for line in body.split("\n") if line.startswith("slot a"))
        self.live.edit_body("alpha", line, f"slot a {text}")

    def remote(self) -> str:
        return str(self.live.skill("alpha")["body"])


class RowSubject(Subject):
    @classmethod
    def make(cls, clone: Clone) -> RowSubject:
        return cls(clone, clone.live, clone.dataset("qa", [FIRST_ROW, OTHER_ROW]))

    def _row(self, **fields: object) -> None:
        from json import dumps, loads

        lines = [loads(line) for line in self.clone.read(self.path).splitlines()]
        lines[0] |= fields
        self.clone.write(self.path, "".join(f"{dumps(line)}\n" for line in lines))

    def local(self, text: str) -> None:
        self._row(expected_output=text)

    def local_elsewhere(self, text: str) -> None:
        self._row(metadata={"note": text})

    def web(self, text: str) -> None:
        row = self.live.row(self.live.datasets()[0]["id"], "r1")
        self.live.patch_row(row["id"], output=text)

    def remote(self) -> str:
        row = self.live.row(self.live.datasets()[0]["id"], "r1")
        return f"{row['output']} {row['metadata'].get('note')}"


@pytest.fixture(params=[SkillSubject, RowSubject], ids=["skill", "row"])
def subject(request: pytest.FixtureRequest, solo: Clone) -> Subject:
    """An object that was written and is not yet pushed."""
    made: Subject = request.param.make(solo)
    return made


def made_newer(subject: Subject, newer: Callable[[Subject], None]) -> None:
    """Push and commit it; then comes a commit that has nothing to do with it, and then its newer version."""

    def make() -> None:
        assert subject.clone.push().exit == 0
        subject.clone.commit("first")
        subject.clone.write("README.md", "unrelated\n")
        subject.clone.commit("unrelated")
        newer(subject)

    begin(subject.clone, newer.__name__, make)


# ---------------------------------------------------------------- what brings the newer version in


def publish(subject: Subject) -> None:
    """The newer remote version is our own: edited here and pushed."""
    subject.local("newer")
    assert subject.clone.push().exit == 0


def take_in(subject: Subject) -> None:
    """The newer remote version is somebody else's: edited in the page and pulled."""
    subject.web("newer")
    assert subject.clone.pull().exit == 0


# ---------------------------------------------------------------- what git does then
#
# Each leaves the old text ("slot a") in the working tree, without anybody having rejected the newer one.


def commit_then_checkout_of_the_parent(one: Subject) -> None:
    one.clone.commit("newer")
    one.clone.git("checkout", "-q", "HEAD^")


def commit_then_switch_to_a_branch_from_the_parent(one: Subject) -> None:
    one.clone.commit("newer")
    one.clone.git("switch", "-q", "-c", "other", "HEAD^")


def commit_then_switch_to_an_existing_branch(one: Subject) -> None:
    one.clone.git("branch", "old", "HEAD^")
    one.clone.commit("newer")
    one.clone.git("switch", "-q", "old")


def commit_then_reset_hard_to_the_parent(one: Subject) -> None:
    one.clone.commit("newer")
    one.clone.git("reset", "-q", "--hard", "HEAD^")


def forced_checkout_of_the_parent(one: Subject) -> None:
    one.clone.git("checkout", "-q", "-f", "HEAD^")


def stash(one: Subject) -> None:
    one.clone.git("stash")


def stash_with_untracked(one: Subject) -> None:
    one.clone.git("stash", "-u")


def stash_of_the_files_alone(one: Subject) -> None:
    one.clone.git("stash", "push", "-q", "--", one.path)


def stash_then_checkout_of_the_parent(one: Subject) -> None:
    one.clone.git("stash")
    one.clone.git("checkout", "-q", "HEAD^")


def reset_hard(one: Subject) -> None:
    one.clone.git("reset", "-q", "--hard")


def checkout_of_the_files_alone(one: Subject) -> None:
    one.clone.git("checkout", "-q", "HEAD", "--", one.path)


def commit_of_the_files_alone_then_checkout_of_the_parent(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "files", "--", one.path)
    one.clone.git("checkout", "-q", "HEAD^")


def commit_of_the_files_alone_then_a_branch_from_the_parent(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "files", "--", one.path)
    one.clone.git("switch", "-q", "-c", "other", "HEAD^")


def commit_of_the_pointer_alone_then_checkout_of_the_files(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "pointer")
    one.clone.git("checkout", "-q", ".")


def commit_of_the_pointer_alone_then_stash(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "pointer")
    one.clone.git("stash")


def commit_of_the_pointer_alone_then_reset_hard(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "pointer")
    one.clone.git("reset", "-q", "--hard")


def commit_of_the_pointer_alone_then_stash_and_another_commit(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "pointer")
    one.clone.git("stash")
    one.clone.write("README.md", "more\n")
    one.clone.commit("more")


def two_commits_then_checkout_of_the_one_with_the_pointer(one: Subject) -> None:
    one.clone.git("commit", "-q", "-m", "pointer")
    one.clone.git("commit", "-q", "-am", "files")
    one.clone.git("checkout", "-q", "HEAD^")


def amended_then_checkout_of_the_parent(one: Subject) -> None:
    one.clone.commit("newer")
    one.clone.git("commit", "-q", "--amend", "-m", "newer, reworded")
    one.clone.git("checkout", "-q", "HEAD^")


OLD_AGAIN: list[Callable[[Subject], None]] = [
    commit_then_checkout_of_the_parent,
    commit_then_switch_to_a_branch_from_the_parent,
    commit_then_switch_to_an_existing_branch,
    commit_then_reset_hard_to_the_parent,
    forced_checkout_of_the_parent,
    stash,
    stash_with_untracked,
    stash_of_the_files_alone,
    stash_then_checkout_of_the_parent,
    reset_hard,
    checkout_of_the_files_alone,
    commit_of_the_files_alone_then_checkout_of_the_parent,
    commit_of_the_files_alone_then_a_branch_from_the_parent,
    commit_of_the_pointer_alone_then_checkout_of_the_files,
    commit_of_the_pointer_alone_then_stash,
    commit_of_the_pointer_alone_then_reset_hard,
    commit_of_the_pointer_alone_then_stash_and_another_commit,
    two_commits_then_checkout_of_the_one_with_the_pointer,
    amended_then_checkout_of_the_parent,
]


def quiet_push(clone: Clone) -> int:
    """Push, and fail if that wrote anything remotely. Returns its exit code."""
    assert clone.requests is not None
    clone.requests.made.clear()
    report = clone.push()
    assert clone.requests.writes == [], report
    return report.exit


NEWER = [
    pytest.param(publish, id="after_push"),
    pytest.param(take_in, id="after_pull", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("old_again", OLD_AGAIN, ids=lambda one: one.__name__)
@pytest.mark.parametrize("newer", NEWER)
def test_an_old_text_is_never_published(
    subject: Subject, newer: Callable[[Subject], None], old_again: Callable[[Subject], None]
) -> None:
    """It is behind: 0 remote writes; with local state deleted it is no other (P7); pull brings the newer text."""
    made_newer(subject, newer)
    stays_behind(subject, old_again)


@current_only("a handful of the same, so that the fast tests ask for it as well")
@pytest.mark.parametrize(
    "old_again",
    [
        commit_then_switch_to_a_branch_from_the_parent,
        stash_with_untracked,
        commit_of_the_pointer_alone_then_reset_hard,
    ],
    ids=lambda one: one.__name__,
)
def test_an_old_text_is_never_published_over_a_marked_version(
    subject: Subject, old_again: Callable[[Subject], None]
) -> None:
    made_newer(subject, publish)
    stays_behind(subject, old_again)


def stays_behind(subject: Subject, old_again: Callable[[Subject], None]) -> None:
    """Bring the old text back: it is published neither with the local state nor without, and pull ends that."""
    remote = subject.remote()
    old_again(subject)
    assert "newer" not in subject.clone.read(subject.path)
    assert quiet_push(subject.clone) == 0
    forget(subject.clone)
    assert quiet_push(subject.clone) == 0
    assert subject.remote() == remote
    assert subject.clone.pull().exit == 0
    assert "newer" in subject.clone.read(subject.path)
    assert quiet_push(subject.clone) == 0


@pytest.mark.parametrize(
    "old_again",
    [
        commit_then_checkout_of_the_parent,
        commit_then_switch_to_a_branch_from_the_parent,
        stash_with_untracked,
        reset_hard,
        commit_of_the_files_alone_then_a_branch_from_the_parent,
        commit_of_the_pointer_alone_then_stash,
    ],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("newer", NEWER)
def test_an_edit_of_the_old_text_is_blocked_until_it_is_merged(
    subject: Subject, newer: Callable[[Subject], None], old_again: Callable[[Subject], None]
) -> None:
    made_newer(subject, newer)
    old_again(subject)
    subject.local_elsewhere("mine")
    assert quiet_push(subject.clone) == 3
    subject.clone.commit("mine")
    assert quiet_push(subject.clone) == 3
    assert subject.clone.pull().exit == 0
    text = subject.clone.read(subject.path)
    assert "newer" in text
    assert "mine" in text
    assert subject.clone.push().exit == 0
    assert "newer" in subject.remote()
    assert "mine" in subject.remote()


def forget(clone: Clone) -> None:
    """Delete all that is only a cache (P7)."""
    shutil.rmtree(clone.path / ".git" / "skillsync", ignore_errors=True)
    refs = clone.git("for-each-ref", "--format=delete %(refname)", "refs/skillsync")
    git(clone.path, "update-ref", "--stdin", data=f"{refs}\n".encode() if refs else b"")
