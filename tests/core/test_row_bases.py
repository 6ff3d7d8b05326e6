"""Which rows lag behind the revision that a pointer names, and that nothing is lost by writing it that way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.row_bases import (
    Replaced,
    bases_at,
    bases_digest,
    parse_lagging,
    with_absent,
)
from skillsync.core.row_states import ABSENT
from skillsync.model import Key

A, B, C = "a" * 16, "b" * 16, "c" * 16
KEYS = st.sampled_from([Key(name) for name in "klmn"])
ROWS = st.dictionaries(KEYS, st.sampled_from([A, B, C]))


def keyed(**rows: str) -> dict[Key, str]:
    return {Key(key): value for key, value in rows.items()}


def test_rows_as_the_revision_has_them_need_no_line() -> None:
    """Nor is anything laid over them: each layer would be asked for every row."""
    base = keyed(k=A, l=B)
    found = bases_at(7, base, there=keyed(k=A, l=B), known={}, before=3)
    assert (found.revision, found.lines) == (7, {})
    assert found.digests is base


def test_a_row_that_was_not_taken_in_lags_behind() -> None:
    found = bases_at(
        7,
        keyed(behind=A, earlier=A, gone=B, named=ABSENT),
        there=keyed(behind=B, earlier=C, foreign=A),
        known={Key("earlier"): 2},
        before=5,
    )
    assert found.lines == keyed(behind="@5", earlier="@2", gone="@5", named="@0", foreign="@0")
    assert found.digests == keyed(behind=A, earlier=A, gone=B, named=ABSENT, foreign=ABSENT)
    assert found.digest == bases_digest(keyed(behind=A, earlier=A, gone=B))


def test_a_base_of_which_nobody_knows_the_revision_counts_as_none() -> None:
    found = bases_at(7, keyed(k=A), there=keyed(k=B), known={}, before=0)
    assert (found.lines, found.digests) == (keyed(k="@0"), keyed(k=ABSENT))


def test_a_file_of_the_other_generation_is_recognised() -> None:
    assert parse_lagging(keyed(k="@0", l="@12")) == {"k": 0, "l": 12}
    assert parse_lagging(keyed(k="@0", l=A)) is None
    assert parse_lagging({}) == {}


@given(before=ROWS, other=ROWS, key=KEYS)
def test_a_mapping_with_other_values_is_as_its_copy_would_be(
    before: dict[Key, str], other: dict[Key, str], key: Key
) -> None:
    made, copy = Replaced(before, other), before | other
    assert list(made.items()) == list(copy.items())
    assert len(made) == len(copy)
    assert (key in made) == (key in copy)


@given(base=ROWS, before_rows=ROWS, there=ROWS)
def test_what_was_recorded_is_what_is_read_back(
    base: dict[Key, str], before_rows: dict[Key, str], there: dict[Key, str]
) -> None:
    """Read the rows at the recorded revision and the lagging ones at theirs, and the bases are there again."""
    taken = {
        key: before_rows.get(key, value) if key in there else value for key, value in base.items()
    }
    was = dict(taken)  # what revision 3 held of them
    found = bases_at(9, taken, there=there, known={}, before=3)
    history = {3: was, 9: there}
    read = {**there}
    for key, revision in found.lagging.items():
        read[key] = history[revision].get(key, ABSENT) if revision else ABSENT
    assert with_absent(read, found.lagging) == dict(found.digests)
    assert bases_digest(read) == found.digest == bases_digest(taken)
