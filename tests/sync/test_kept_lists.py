"""The kept list of skills: it saves the bytes that it claims to save, and losing or damaging it costs only these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from skillsync.api import skills
from skillsync.api.kept_pages import KeptPage
from skillsync.sync.kept_lists import MOST_PAGES, KeptLists
from skillsync.watch.remote import poll
from tests.sync.dialects import current_only, seed_only
from tests.sync.harness import Clone, Live, Requests, outcome

BOTH_DIALECTS = True

tagged = current_only("lists have an ETag")


@dataclass
class Lists:
    """What was sent and answered for the list of skills: the tag named, the status, the body's bytes."""

    seen: list[tuple[str, int, int]] = field(default_factory=list)

    def __call__(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/llm_skills") or request.method != "GET":
            return response
        body = response.read()
        self.seen.append(
            (request.headers.get("If-None-Match", ""), response.status_code, len(body))
        )
        stream = httpx.ByteStream(body)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)

    @property
    def statuses(self) -> list[int]:
        return [status for _, status, _ in self.seen]


def listening(clone: Clone) -> Lists:
    clone.requests, lists = Requests(httpx.WSGITransport(app=clone.live.app)), Lists()
    clone.requests.after = lists
    return lists


def published(clone: Clone, count: int = 1) -> Lists:
    for number in range(count):
        clone.skill(f"skill-{number}")
    clone.push()
    clone.commit("pointers")
    clone.pull()
    return listening(clone)


def pages_of(clone: Clone) -> list[Path]:
    return sorted((clone.workspace.repo.state_dir / "lists").iterdir())


def stamp_of(path: Path) -> tuple[int, int, int]:
    """What a write would change; reading changes only when it was read last."""
    info = path.stat()
    return info.st_mtime_ns, info.st_ino, info.st_size


@tagged
def test_a_list_that_did_not_change_is_not_sent_again(solo: Clone, live: Live) -> None:
    lists = published(solo)
    before = stamp_of(pages_of(solo)[0])
    assert solo.pull().outcomes == []
    assert solo.push().outcomes == []
    assert solo.status().lines == []
    assert [(status, size) for _, status, size in lists.seen] == [(304, 0)] * 3
    assert stamp_of(pages_of(solo)[0]) == before  # nothing is written where nothing changed
    live.edit_body("skill-0", "Step two.", "Step 2.")
    assert outcome(solo.pull(), "skill-0").changed
    assert "Step 2." in solo.read("skills/skill-0/SKILL.md")
    assert lists.statuses == [304, 304, 304, 200]


@tagged
def test_a_poll_that_finds_nothing_new_gets_no_list(solo: Clone, live: Live) -> None:
    lists = published(solo)
    answers = []
    for _ in range(2):
        with solo.connect(solo.target) as remote:
            answers.append(poll(remote, solo.target).lists)
    live.edit_body("skill-0", "Step two.", "Step 2.")
    with solo.connect(solo.target) as remote:
        answers.append(poll(remote, solo.target).lists)
    assert answers[0] == answers[1] != answers[2]
    assert lists.statuses == [304, 304, 200]


def _flip(page: Path) -> None:
    data = bytearray(page.read_bytes())
    data[-20] ^= 1
    page.write_bytes(data)


def _replace_by_a_folder(page: Path) -> None:
    page.unlink()
    page.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda page: page.write_bytes(b""),
    "cut": lambda page: page.write_bytes(page.read_bytes()[:-9]),
    "one bit": _flip,
    "no head": lambda page: page.write_bytes(page.read_bytes().partition(b"\n")[2]),
    "a head that is a list": lambda page: page.write_bytes(b"[1]\n{}"),
    "a deep head": lambda page: page.write_bytes(b"[" * 100_000),
    "a folder": _replace_by_a_folder,
}


@tagged
def test_a_damaged_page_costs_one_whole_answer_and_decides_nothing(solo: Clone, live: Live) -> None:
    lists = published(solo)
    [page] = pages_of(solo)
    _flip(page)
    live.edit_body("skill-0", "Step two.", "Step 2.")
    assert outcome(solo.pull(), "skill-0").changed
    assert [(tag, status) for tag, status, _ in lists.seen] == [("", 200)]
    assert solo.status().in_sync == 1
    assert lists.statuses == [200, 304]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_as_it_was_written_was_never_kept(tmp_path: Path, damage: str) -> None:
    kept, page = KeptLists(tmp_path, "a.test/1"), KeptPage('W/"t"', b'{"count": 0, "results": []}')
    kept.keep((), page)
    assert kept.recall(()) == page
    [file] = (tmp_path / "lists").iterdir()
    DAMAGES[damage](file)
    assert kept.recall(()) is None
    if not file.is_dir():
        kept.keep((), page)
        assert kept.recall(()) == page


@tagged
def test_an_old_page_is_named_and_not_believed(solo: Clone, live: Live) -> None:
    lists = published(solo)
    [page] = pages_of(solo)
    old = page.read_bytes()
    live.edit_body("skill-0", "Step two.", "Step 2.")
    solo.pull()
    page.write_bytes(old)
    lists.seen.clear()
    live.archive("skill-0")
    assert "archived" in outcome(solo.pull(), "skill-0").did
    assert lists.statuses[0] == 200
    assert lists.seen[0][0]


@tagged
def test_every_page_of_a_longer_list_stands_for_itself(
    solo: Clone, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skills, "PAGE", 2)
    lists = published(solo, 5)
    assert len(pages_of(solo)) == 3
    assert solo.pull().outcomes == []
    assert lists.statuses == [304, 304, 304]
    pages_of(solo)[1].unlink()
    lists.seen.clear()
    assert solo.pull().outcomes == []
    assert sorted(lists.statuses) == [200, 304, 304]
    live.archive("skill-0")  # moves every later one to another place
    solo.pull()
    with solo.connect(solo.target) as remote:
        found = remote.skills.list()
    assert found.complete
    assert [one.name for one in found] == [f"skill-{number}" for number in range(1, 5)]


@seed_only("the other dialect has one")
def test_the_seed_names_no_tag_and_nothing_is_kept(solo: Clone) -> None:

    lists = published(solo)
    solo.pull()
    assert [(tag, status) for tag, status, _ in lists.seen] == [("", 200)]
    assert not (solo.workspace.repo.state_dir / "lists").exists()


def test_a_page_stands_for_its_target_and_query_alone(tmp_path: Path) -> None:
    one, other = KeptLists(tmp_path, "a.test/1"), KeptLists(tmp_path, "a.test/2")
    page = KeptPage('W/"t"', b"{}")
    one.keep((("limit", 1),), page)
    assert one.recall((("limit", 1),)) == one.recall((("limit", "1"),)) == page
    assert one.recall((("limit", 2),)) is None
    assert other.recall((("limit", 1),)) is None
    [file] = (tmp_path / "lists").iterdir()
    other.keep((("limit", 1),), page)
    [moved] = set((tmp_path / "lists").iterdir()) - {file}
    file.replace(moved)
    assert other.recall((("limit", 1),)) is None


def test_the_oldest_pages_go(tmp_path: Path) -> None:
    kept = KeptLists(tmp_path, "a.test/1")
    for number in range(MOST_PAGES + 3):
        kept.keep((("offset", number),), KeptPage('W/"t"', b"{}"))
    assert len([*(tmp_path / "lists").iterdir()]) == MOST_PAGES
    assert kept.recall((("offset", MOST_PAGES + 2),)) is not None


def test_what_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "lists").write_text("in the way")
    kept = KeptLists(tmp_path, "a.test/1")
    kept.keep((), KeptPage('W/"t"', b"{}"))
    assert kept.recall(()) is None
