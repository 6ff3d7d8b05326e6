"""Writes to a dataset whose answer is lost or that never arrive: looked for, never doubled (sync.md 10.2, 10.3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.sync.dataset_steps import (
    ITEMS,
    POINTER,
    by_subject,
    dataset_id,
    drop_line,
    inputs,
    is_request,
    is_silent,
    line,
    numbered,
    published,
    wrapped,
)
from tests.sync.dialects import seed_only
from tests.sync.harness import Clone, Live, outcome

BOTH_DIALECTS = True

LOST = ("reset", "error", "truncated")
"""How an answer is lost: the connection breaks, a proxy answers 502 in its place, or half of it comes."""


@dataclass
class Loss:
    """Loses the answers of the first ``times`` requests that match; they arrive unless ``late`` keeps them back."""

    method: str
    part: str
    how: str = "reset"
    times: int = 1
    late: bool = False
    lost: list[httpx.Request] = field(default_factory=list)

    def on(self, clone: Clone) -> Loss:
        requests = wrapped(clone)
        requests.before, requests.after = self._before, self._after
        return self

    def arrive(self, clone: Clone) -> None:
        """Let what was kept back reach the server now."""
        requests = wrapped(clone)
        requests.before = requests.after = None
        for request in self.lost:
            requests.inner.handle_request(request)

    def _is_hit(self, request: httpx.Request) -> bool:
        return is_request(request, self.method, self.part) and len(self.lost) < self.times

    def _before(self, request: httpx.Request) -> None:
        if self.late and self._is_hit(request):
            self.lost.append(request)
            raise httpx.ReadTimeout("no answer")

    def _after(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if self.late or not self._is_hit(request):
            return response
        self.lost.append(request)
        if self.how == "reset":
            raise httpx.ReadError("connection reset")
        if self.how == "error":
            return httpx.Response(502, stream=httpx.ByteStream(b"bad gateway"))
        return httpx.Response(response.status_code, stream=Torn(response.read()))


class Torn(httpx.SyncByteStream):
    """Half a body, then the connection breaks."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body"
        )


def inputs_of(live: Live) -> Counter[str]:
    """Every live item of the only dataset, by input."""
    return Counter(json.dumps(row["input"]) for row in live.rows(dataset_id(live)))


# ---------------------------------------------------------------- creations


@pytest.mark.parametrize("how", LOST)
def test_a_row_whose_creation_had_no_answer_is_looked_for(
    solo: Clone, live: Live, how: str
) -> None:
    published(solo, numbered(1))
    solo.write(ITEMS, solo.read(ITEMS) + "".join(f"{line(key, key)}\n" for key in ("a", "b")))
    loss = Loss("POST", "dataset_items", how).on(solo)
    report = solo.push()
    assert len(loss.lost) == 1
    assert (report.exit, outcome(report, "cases").did) == (0, "2 rows created")
    assert inputs_of(live) == {'"question 0"': 1, '"a"': 1, '"b"': 1}
    assert is_silent(solo)


def test_a_row_that_does_not_show_up_is_pending_and_the_next_run_finds_it(
    solo: Clone, live: Live
) -> None:
    published(solo, numbered(1))
    solo.write(ITEMS, solo.read(ITEMS) + "".join(f"{line(key, key)}\n" for key in ("a", "b")))
    loss = Loss("POST", "dataset_items", late=True).on(solo)
    report = solo.push()
    assert report.exit == 5
    assert outcome(report, "cases:a").code == "E-INDETERMINATE"
    assert sum(solo.clock.slept) >= 30
    assert inputs_of(live) == {'"question 0"': 1, '"b"': 1}
    loss.arrive(solo)
    assert solo.push().exit == 0
    assert inputs_of(live) == {'"question 0"': 1, '"a"': 1, '"b"': 1}
    assert is_silent(solo)


@seed_only("keys are unique")
def test_a_row_that_lands_after_it_was_sent_again_is_cleaned(solo: Clone, live: Live) -> None:
    """The one case that no look can prevent: two items with one key, equal and our own (I21)."""
    published(solo, numbered(1))
    solo.write(ITEMS, solo.read(ITEMS) + line("a", "a") + "\n")
    loss = Loss("POST", "dataset_items", late=True).on(solo)
    assert solo.push().exit == 5
    assert solo.push().exit == 0
    loss.arrive(solo)
    assert inputs_of(live)['"a"'] == 2
    assert any("second copy" in note for note in solo.push().notes)
    assert inputs_of(live)['"a"'] == 1
    assert is_silent(solo)


def test_a_server_that_went_silent_is_not_asked_for_every_row(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(1))
    solo.write(ITEMS, "".join(f"{one}\n" for one in numbered(20)))
    loss = Loss("POST", "dataset_items", late=True, times=100).on(solo)
    report = solo.push()
    assert report.exit == 75
    assert len(loss.lost) == 3
    pending = [one for one in report.outcomes if one.code == "E-INDETERMINATE"]
    assert [one.subject for one in pending] == ["cases:k001", "cases:k002", "cases:k003"]
    loss.arrive(solo)
    assert solo.push().exit == 0
    assert len(inputs(live, dataset)) == len(live.rows(dataset)) == 20
    assert is_silent(solo)


@pytest.mark.parametrize("how", LOST)
def test_a_dataset_whose_creation_had_no_answer_is_looked_for(
    solo: Clone, live: Live, how: str
) -> None:
    solo.dataset("cases", numbered(2))
    loss = Loss("POST", "/datasets/", how).on(solo)
    assert solo.push().exit == 0
    assert len(loss.lost) == 1
    assert len(live.datasets()) == 1
    assert inputs_of(live) == {'"question 0"': 1, '"question 1"': 1}
    assert is_silent(solo)


def test_a_dataset_that_does_not_show_up_is_pending(solo: Clone, live: Live) -> None:
    solo.dataset("cases", numbered(2))
    loss = Loss("POST", "/datasets/", late=True).on(solo)
    report = solo.push()
    assert (report.exit, outcome(report, "cases").code) == (5, "E-INDETERMINATE")
    assert not (solo.path / POINTER).exists()
    loss.arrive(solo)
    assert solo.push().exit == 0
    assert len(live.datasets()) == 1
    assert is_silent(solo)


def test_a_row_that_the_server_refuses_fails_alone(solo: Clone, live: Live) -> None:
    """And is tried again with the next run, also when a commit lies between."""
    published(solo, numbered(1))
    solo.write(ITEMS, solo.read(ITEMS) + "".join(f"{line(key, key)}\n" for key in ("a", "b")))

    requests = wrapped(solo)
    inner = requests.inner

    class Refusing(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and b'"input":"a"' in request.read():
                body = b'{"type": "validation_error", "code": "invalid", "detail": "No.", "attr": null}'
                headers = {"Content-Type": "application/json"}
                return httpx.Response(400, headers=headers, stream=httpx.ByteStream(body))
            return inner.handle_request(request)

    requests.inner = Refusing()
    report = solo.push()
    assert report.exit == 5
    assert outcome(report, "cases:a").code == "E-REMOTE-REFUSED"
    assert outcome(report, "cases").did == "1 row created"
    solo.commit("so far")
    requests.inner = inner
    assert solo.push().exit == 0
    assert inputs_of(live) == {'"question 0"': 1, '"a"': 1, '"b"': 1}


# ---------------------------------------------------------------- updates and removals


def edit(clone: Clone) -> None:
    clone.replace(ITEMS, "question 1", "edited")


def describe(clone: Clone) -> None:
    clone.replace("datasets/cases/DATASET.md", "Rows of", "All rows of")


def remove(clone: Clone) -> None:
    drop_line(clone, "k001")


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize(
    ("change", "part"),
    [(edit, "dataset_items/"), (remove, "dataset_items/"), (describe, "/datasets/")],
    ids=["an edit", "a removal", "the description"],
)
def test_a_change_whose_answer_was_lost_is_seen_to_be_done(
    solo: Clone, live: Live, how: str, change: Callable[[Clone], None], part: str
) -> None:
    published(solo, numbered(3))
    change(solo)
    method = "POST" if change is remove and live.dialect == "current" else "PATCH"
    loss = Loss(method, part, how).on(solo)
    wrapped(solo).made.clear()
    report = solo.push(archive=["cases"])
    assert report.exit == 0, report
    assert len(loss.lost) == 1
    assert [one for one in wrapped(solo).writes if one[0] == method][1:] == []
    assert is_silent(solo)


@seed_only("a guarded write is sent once more")
def test_a_change_that_never_arrived_is_pending(solo: Clone, live: Live) -> None:
    dataset = published(solo, numbered(2))
    edit(solo)
    Loss("PATCH", "dataset_items/", late=True).on(solo)
    report = solo.push()
    assert report.exit == 5
    assert by_subject(report)["cases:k001"].code == "E-INDETERMINATE"
    assert inputs(live, dataset)["k001"] == "question 1"
    assert solo.push().exit == 0
    assert inputs(live, dataset)["k001"] == "edited"


@seed_only("nothing is read before a guarded write")
def test_an_edit_in_the_moment_of_an_update_blocks_it(solo: Clone, live: Live) -> None:
    """GET, compare, PATCH, GET (10.3): what came between list and GET is never overwritten, what came after is seen."""
    dataset = published(solo, numbered(3))
    first, second = (live.row(dataset, key)["id"] for key in ("k000", "k001"))
    for number in (0, 1):
        solo.replace(ITEMS, f"question {number}", f"edited {number}")

    def meanwhile(request: httpx.Request) -> None:
        if is_request(request, "GET", first):
            live.patch_row(first, input="from the page")
        if is_request(request, "GET", second):
            live.patch_row(second, deleted=True)

    wrapped(solo).before = meanwhile
    report = solo.push()
    wrapped(solo).before = None
    assert by_subject(report)["cases:k000"].exit == 3
    assert by_subject(report)["cases:k001"].code == "E-EDITED-BUT-ARCHIVED"
    assert inputs(live, dataset) == {"k000": "from the page", "k002": "question 2"}
