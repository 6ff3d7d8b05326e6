"""What a run did to many rows is printed by what happened to them, the first ones named and the rest counted."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from skillsync.cli.render import Output
from skillsync.cli.report_view import SHOWN_NOTES, SHOWN_ROWS, Rest, in_short, print_notes
from skillsync.sync.report import Kind, Outcome


def dataset(name: str) -> Outcome:
    return Outcome(Kind.DATASET, name, "9 rows created")


def rows(name: str, did: str, count: int, *, code: str = "") -> list[Outcome]:
    return [Outcome(Kind.ROW, f"{name}:{did}-{number}", did, code=code) for number in range(count)]


@pytest.mark.parametrize(
    ("outcomes", "shown"),
    [
        ([], []),
        ([dataset("a"), *rows("a", "failed", SHOWN_ROWS)], [dataset("a"), *rows("a", "failed", SHOWN_ROWS)]),
        (
            [dataset("a"), *rows("a", "failed", SHOWN_ROWS + 3), dataset("b")],
            [dataset("a"), *rows("a", "failed", SHOWN_ROWS), Rest("a", "failed", 3), dataset("b")],
        ),
        # The same error with another code is another group; what is mixed is put together.
        (
            [*rows("a", "failed", 2, code="X"), *rows("a", "blocked", 2), *rows("a", "failed", 12, code="Y")],
            [*rows("a", "failed", 2, code="X"), *rows("a", "blocked", 2), *rows("a", "failed", 10, code="Y"), Rest("a", "failed", 2)],
        ),
        (
            [*rows("a", "failed", 11), *rows("b", "failed", 11)],
            [*rows("a", "failed", 10), Rest("a", "failed", 1), *rows("b", "failed", 10), Rest("b", "failed", 1)],
        ),
    ],
)  # fmt: skip
def test_the_first_of_each_kind_are_named(
    outcomes: Sequence[Outcome], shown: Sequence[Outcome | Rest]
) -> None:
    assert in_short(outcomes) == shown


def test_the_rest_says_how_many_and_where_all_of_them_are() -> None:
    assert Rest("qa", "failed", 1).text == "… and 1 more row of qa: failed (--json lists all)"
    assert Rest("qa", "failed", 1_234).text == "… and 1,234 more rows of qa: failed (--json lists all)"  # fmt: skip


def test_many_notes_are_cut_short() -> None:
    out = Output(io.StringIO(), io.StringIO())
    print_notes(out, [f"n{number}" for number in range(SHOWN_NOTES + 5)])
    assert isinstance(out.stderr, io.StringIO)
    lines = out.stderr.getvalue().splitlines()
    assert lines[0] == "note: n0"
    assert lines[SHOWN_NOTES:] == ["note: … and 5 more notes (--json lists all)"]
