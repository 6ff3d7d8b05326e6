"""Every row I1–I24 and D1–D6 of sync.md 7.3, in a clean tree, a dirty one and on a detached HEAD: what each side gets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from skillsync.sync.report import Report
from tests.sync.dataset_steps import (
    ITEMS,
    dataset_id,
    drop_line,
    inputs,
    line,
    numbered,
    published,
    wrapped,
)
from tests.sync.harness import Clone, Live

STATES = ("committed", "dirty", "detached")
MD = "datasets/cases/DATASET.md"
Q1 = '"question 1"'


def linked(solo: Clone) -> str:
    """The rows k000 to k003, published and committed: B = L = R."""
    return published(solo, numbered(4))


def item(live: Live, key: str = "k001") -> str:
    return str(live.row(dataset_id(live), key)["id"])


def edit(solo: Clone, text: str = "edited here") -> None:
    solo.replace(ITEMS, Q1, f'"{text}"')


def add(solo: Clone, text: str) -> None:
    solo.write(ITEMS, solo.read(ITEMS) + text + "\n")


def patched(live: Live, dataset: str, **fields: object) -> None:
    with live.api() as client:
        assert client.patch(f"datasets/{dataset}/", json=fields).status_code == 200


def made(live: Live, user: str, rows: int = 3) -> None:
    with live.api(user) as client:
        number = client.post(
            "datasets/", json={"name": "cases", "description": "Rows of cases."}
        ).json()["id"]
    for count in range(rows):
        live.add_row(number, user=user, input=f"question {count}")


# ---------------------------------------------------------------- the states, one function per row


def i1(solo: Clone, live: Live) -> None:
    linked(solo)
    add(solo, line("new", "born here"))


def i2(solo: Clone, live: Live) -> None:
    live.add_row(linked(solo), input="born there", metadata={"skillsync_id": "new"})


def i3(solo: Clone, live: Live) -> None:
    i1(solo, live)
    live.add_row(dataset_id(live), input="born here", metadata={"skillsync_id": "new"})


def i4(solo: Clone, live: Live) -> None:
    i1(solo, live)
    live.add_row(dataset_id(live), input="born there", metadata={"skillsync_id": "new"})


def i5(solo: Clone, live: Live) -> None:
    linked(solo)


def i6(solo: Clone, live: Live) -> None:
    linked(solo)
    edit(solo)


def i7(solo: Clone, live: Live) -> None:
    linked(solo)
    live.patch_row(item(live), input="edited there")


def i8(solo: Clone, live: Live) -> None:
    i6(solo, live)
    live.patch_row(item(live), input="edited here")


def i9(solo: Clone, live: Live) -> None:
    i6(solo, live)
    live.patch_row(item(live), ref_trace_id="trace")


def i10(solo: Clone, live: Live) -> None:
    i6(solo, live)
    live.patch_row(item(live), input="edited there")


def i11(solo: Clone, live: Live) -> None:
    linked(solo)
    drop_line(solo, "k001")


def i12(solo: Clone, live: Live) -> None:
    i11(solo, live)
    live.patch_row(item(live), input="edited there")


def i13(solo: Clone, live: Live) -> None:
    linked(solo)
    live.patch_row(item(live), deleted=True)


def i14(solo: Clone, live: Live) -> None:
    i6(solo, live)
    live.patch_row(item(live), deleted=True)


def i15(solo: Clone, live: Live) -> None:
    i11(solo, live)
    live.patch_row(item(live), deleted=True)


def i16(solo: Clone, live: Live) -> None:
    linked(solo)
    gone = item(live)
    live.patch_row(gone, deleted=True)
    live.patch_row(gone, deleted=False)


def i18(solo: Clone, live: Live) -> None:
    linked(solo)
    solo.replace(ITEMS, '"k001"', '"renamed"')


def i19(solo: Clone, live: Live) -> None:
    linked(solo)
    add(solo, line("k001", "once more"))


def i20(solo: Clone, live: Live) -> None:
    linked(solo)
    add(solo, "{not json}")


def i21(solo: Clone, live: Live) -> None:
    live.add_row(linked(solo), user="me", input="question 1", metadata={"skillsync_id": "k001"})


def i21_other(solo: Clone, live: Live) -> None:
    live.add_row(linked(solo), input="another", metadata={"skillsync_id": "k001"})


def i22(solo: Clone, live: Live) -> None:
    linked(solo)
    add(solo, line(None, "no key"))


def d1(solo: Clone, live: Live) -> None:
    solo.dataset("cases", numbered(2))


def d2(solo: Clone, live: Live) -> None:
    made(live, "web")


def d3_own(solo: Clone, live: Live) -> None:
    made(live, "me")
    solo.dataset("cases", [line(None, f"question {number}") for number in range(3)])


def d3_equal(solo: Clone, live: Live) -> None:
    made(live, "web")
    solo.dataset("cases", [line(None, f"question {number}") for number in range(3)])


def d3_different(solo: Clone, live: Live) -> None:
    made(live, "web")
    solo.dataset("cases", [line("x", "something else")])


def d4(solo: Clone, live: Live) -> None:
    linked(solo)
    shutil.rmtree(solo.path / "datasets")


def d5(solo: Clone, live: Live) -> None:
    dataset = linked(solo)
    solo.dataset("other", [line("x", 1)])
    assert solo.push().exit == 0
    solo.commit("other")
    patched(live, dataset, deleted=True)


def d5_edited(solo: Clone, live: Live) -> None:
    d5(solo, live)
    edit(solo)


def d6_there(solo: Clone, live: Live) -> None:
    patched(live, linked(solo), description="Said there.")


def d6_here(solo: Clone, live: Live) -> None:
    linked(solo)
    solo.replace(MD, "Rows of cases.", "Said here.")


def d6_both(solo: Clone, live: Live) -> None:
    d6_here(solo, live)
    patched(live, dataset_id(live), description="Said there.")


# ---------------------------------------------------------------- what is expected


@dataclass(frozen=True)
class Side:
    """What one command does: its exit code, the rows of the table that it names, and what it writes.

    A file that cannot be read (I19, I20) is named by its line, not by a row of the table.
    ``writes``: requests that may change something. ``files``: it changes a file that is no pointer.
    """

    exit: int = 0
    rows: frozenset[str] = frozenset()
    writes: int = 0
    files: bool = False


def side(exit_: int = 0, rows: str = "", *, writes: int = 0, files: bool = False) -> Side:
    return Side(exit_, frozenset(rows.split()), writes, files)


@dataclass(frozen=True)
class Case:
    """``kept`` are texts that are on one of both sides whatever is run."""

    build: Callable[[Clone, Live], None]
    push: Side
    pull: Side
    kept: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        return self.build.__name__


BOTH = ("edited here", "edited there")
CASES = [
    Case(i1, side(writes=1), side(), ("born here",)),
    Case(i2, side(), side(files=True), ("born there",)),
    Case(i3, side(), side(), ("born here",)),
    Case(i4, side(4, "I4"), side(4, "I4"), ("born here", "born there")),
    Case(i5, side(), side()),
    Case(i6, side(writes=1), side(), ("edited here",)),
    Case(i7, side(), side(files=True), ("edited there",)),
    Case(i8, side(), side(), ("edited here",)),
    Case(i9, side(3, "I9"), side(files=True), ("edited here", "trace")),
    Case(i10, side(3, "I10"), side(4, "I10"), BOTH),
    Case(i11, side(0, "I11"), side(), ("question 1",)),
    Case(i12, side(4, "I12"), side(4, "I12"), ("edited there",)),
    Case(i13, side(), side(files=True)),
    Case(i14, side(4, "I14"), side(4, "I14"), ("edited here",)),
    Case(i15, side(), side()),
    Case(i16, side(), side()),
    Case(i18, side(0, "I11", writes=1), side(), ("question 1",)),
    Case(i19, side(1), side(1), ("once more",)),
    Case(i20, side(1), side(1), ("{not json}",)),
    Case(i21, side(writes=1), side(), ("question 1",)),
    Case(i21_other, side(4, "I21"), side(), ("another",)),
    Case(i22, side(writes=1, files=True), side(), ("no key",)),
    Case(d1, side(writes=3), side(), ("question 0",)),
    Case(d2, side(), side(files=True), ("question 2",)),
    Case(d3_own, side(files=True), side(), ("question 2",)),
    Case(d3_equal, side(4, "D3"), side(), ("question 2",)),
    Case(d3_different, side(4, "D3"), side(4, "D3"), ("something else", "question 2")),
    Case(d4, side(0, "D4"), side(), ("question 1",)),
    Case(d5, side(0, "D5"), side(0, "D5"), ("question 1",)),
    Case(d5_edited, side(4, "D5"), side(4, "D5"), ("edited here",)),
    Case(d6_there, side(), side(files=True), ("Said there.",)),
    Case(d6_here, side(writes=1), side(), ("Said here.",)),
    Case(d6_both, side(3, "D6"), side(4, "D6"), ("Said here.", "Said there.")),
]


def in_state(solo: Clone, live: Live, case: Case, state: str) -> None:
    case.build(solo, live)
    if state != "dirty":
        solo.commit("as built")
    if state == "detached":
        solo.git("checkout", "-q", "--detach")


def contents(solo: Clone) -> dict[str, bytes]:
    return {path: data for path, data in solo.files().items() if ".skillsync" not in path}


def held(solo: Clone, live: Live) -> str:
    """All that both sides hold, deleted rows left out."""
    there = [(one, inputs(live, one["id"]), live.rows(one["id"])) for one in live.datasets()]
    return repr(there) + "".join(data.decode() for data in contents(solo).values())


def check(solo: Clone, live: Live, case: Case, expected: Side, run: Callable[[], Report]) -> None:
    before = contents(solo)
    seen = wrapped(solo)
    seen.made.clear()
    report = run()
    assert report.exit == expected.exit, report
    spoken = {one.row for one in report.outcomes if one.row and (one.exit or one.code)}
    assert spoken == expected.rows, report
    assert all(one.fix for one in report.outcomes if one.exit), report
    assert len(seen.writes) == expected.writes, seen.writes
    assert (contents(solo) != before) == expected.files
    now = held(solo, live)
    assert all(text in now for text in case.kept)


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_row_of_the_table(case: Case, state: str, verb: str, solo: Clone, live: Live) -> None:
    """It does what the table says, and said once more it changes nothing more."""
    in_state(solo, live, case, state)
    check(solo, live, case, getattr(case, verb), getattr(solo, verb))
    seen = wrapped(solo)
    seen.made.clear()
    before = solo.files()
    assert getattr(solo, verb)().exit == getattr(case, verb).exit
    assert (seen.writes, solo.files()) == ([], before)
