"""Merging dataset rows by group and a dataset's own fields by key: examples and the laws P22."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillsync.core.merge import (
    changed_row_groups,
    incoming_groups,
    merge_info,
    merge_row,
    settle_row,
)
from skillsync.core.merge_rows import INCOMING
from skillsync.core.merge_units import Take
from skillsync.formats.canonical import info_digest, row_digest
from skillsync.model import ROW_FIELDS, Conflict, DatasetInfo, Json, Key, Row, UnitKind

KEY = Key("case-1")
CONTENT = "input+expected_output"


def row(**fields: Json) -> Row:
    return Row(KEY, fields)


BASE = row(input="q", expected_output="a", metadata={"x": 1, "y": 2}, source_trace_id="t")


def test_different_groups_are_merged() -> None:
    local = row(input="q2", expected_output="a", metadata={"x": 1, "y": 2}, source_trace_id="t")
    remote = row(
        input="q", expected_output="a", metadata={"x": 1, "y": 3, "z": 4}, source_trace_id="u"
    )
    made = merge_row(BASE, local, remote)
    assert made.conflicts == ()
    assert made.row == row(
        input="q2", expected_output="a", metadata={"x": 1, "y": 3, "z": 4}, source_trace_id="u"
    )
    assert changed_row_groups(BASE, local, remote) == (
        frozenset({CONTENT}),
        frozenset({"metadata.y", "metadata.z", "source"}),
    )


def test_input_and_output_are_one_unit() -> None:
    """R22: field by field they would make a row that nobody wrote."""
    local = row(input="q2", expected_output="a", metadata={"x": 1, "y": 2}, source_trace_id="t")
    remote = row(input="q", expected_output="b", metadata={"x": 1, "y": 2}, source_trace_id="t")
    made = merge_row(BASE, local, remote, subject="cases")
    assert made.row == local
    assert made.conflicts == (
        Conflict(
            "cases",
            UnitKind.ROW,
            f"case-1:{CONTENT}",
            '{"expected_output":"a","input":"q"}',
            '{"expected_output":"a","input":"q2"}',
            '{"expected_output":"b","input":"q"}',
            "edited on both sides",
        ),
    )


def test_a_metadata_key_in_conflict_does_not_stop_the_others() -> None:
    local = row(input="q", expected_output="a", metadata={"x": 5, "y": 2}, source_trace_id="t")
    remote = row(input="q", expected_output="a", metadata={"x": 6}, source_trace_id="t")
    made = merge_row(BASE, local, remote)
    assert [conflict.unit for conflict in made.conflicts] == ["case-1:metadata.x"]
    assert made.row.fields["metadata"] == {"x": 5}


def test_a_side_is_taken_where_both_changed_and_nowhere_else() -> None:
    local = row(input="q2", expected_output="a", metadata={"x": 5, "y": 2}, source_trace_id="t")
    remote = row(input="q3", expected_output="a", metadata={"x": 1, "z": 4}, source_trace_id="t")
    assert settle_row(BASE, local, remote, take=Take.LOCAL) == row(
        input="q2", expected_output="a", metadata={"x": 5, "z": 4}, source_trace_id="t"
    )
    assert settle_row(BASE, local, remote, take=Take.REMOTE) == row(
        input="q3", expected_output="a", metadata={"x": 5, "z": 4}, source_trace_id="t"
    )
    assert settle_row(None, local, remote, take=Take.LOCAL) == local
    assert settle_row(None, local, remote, take=Take.REMOTE) == remote
    assert [one.unit for one in incoming_groups(BASE, local, remote)] == [
        "case-1:metadata.y",
        "case-1:metadata.z",
    ]


def test_metadata_that_is_no_object_is_one_unit() -> None:
    base, local, remote = row(metadata={"x": 1}), row(metadata={"x": 1, "y": 2}), row(metadata=[1])
    assert [conflict.unit for conflict in merge_row(base, local, remote).conflicts] == [
        "case-1:metadata"
    ]
    assert merge_row(base, base, remote).row == remote
    assert merge_row(base, remote, base).row == remote


def test_metadata_is_changed_as_a_whole_where_it_is_no_object_on_any_side() -> None:
    plain, other, odd = row(metadata={"x": 1}), row(metadata={"x": 2}), row(metadata=[1])
    whole = frozenset({"metadata"})
    assert changed_row_groups(plain, odd, other) == (whole, whole)
    assert changed_row_groups(plain, other, odd) == (whole, whole)
    assert changed_row_groups(odd, plain, other) == (whole, whole)
    for sides in ((odd, other), (other, odd)):
        (conflict,) = merge_row(plain, *sides).conflicts
        assert conflict.unit == "case-1:metadata"
    assert [len(merge_row(odd, *sides).conflicts) for sides in ((plain, other), (other, plain))] == [1, 1]  # fmt: skip
    assert [conflict.unit for conflict in merge_row(None, odd, other).conflicts] == ["case-1"]
    assert [conflict.unit for conflict in merge_row(None, odd, row()).conflicts] == ["case-1"]
    more = row(metadata={"x": 1, "y": 2})
    assert [conflict.unit for conflict in merge_row(odd, plain, more).conflicts] == [
        "case-1:metadata"
    ]
    assert settle_row(odd, plain, more, take=Take.LOCAL) == plain
    assert incoming_groups(odd, plain, more) == ()


def test_what_only_the_remote_changed_is_shown_with_its_reason_and_no_dataset_where_none_was_given() -> (
    None
):
    base, local, remote = row(input="q"), row(input="q", metadata={"x": 1}), row(input="new")
    (shown,) = incoming_groups(base, local, remote)
    assert (shown.subject, shown.unit, shown.reason) == ("", f"case-1:{CONTENT}", INCOMING)
    assert merge_row(base, row(input="mine"), remote).conflicts[0].subject == ""


def test_both_sides_alike_is_agreement_and_in_neither_ones_changes() -> None:
    both = row(input="q2", expected_output="a", metadata={"x": 1, "y": 2}, source_trace_id="t")
    assert merge_row(BASE, both, both).row == both
    assert changed_row_groups(BASE, both, both) == (frozenset(), frozenset())


def test_values_that_are_equal_keep_their_local_spelling() -> None:
    base = row(input=1, metadata={})
    local = row(input=1.0, expected_output=None)
    remote = row(input=1, source_trace_id="t", metadata=None)
    made = merge_row(base, local, remote)
    assert made.row.fields == {"input": 1.0, "expected_output": None, "source_trace_id": "t"}


def test_true_is_not_one() -> None:
    made = merge_row(row(input=1), row(input=1), row(input=True))
    assert made.row.fields["input"] is True


def test_a_field_that_the_remote_no_longer_has_goes() -> None:
    base = row(input="q", source_trace_id="t")
    assert merge_row(base, base, row(input="q")).row.fields == {"input": "q"}


def test_without_a_base_the_whole_row_is_the_unit() -> None:
    assert len(merge_row(None, row(), row(metadata=[1])).conflicts) == 1
    local, remote = row(input="q", metadata={"x": 1}), row(input="q", metadata={"y": 1})
    made = merge_row(None, local, remote, subject="cases")
    assert made.conflicts == (
        Conflict(
            "cases",
            UnitKind.ROW,
            "case-1",
            None,
            '{"input":"q","metadata":{"x":1}}',
            '{"input":"q","metadata":{"y":1}}',
            "different on both sides, and no common base is known",
        ),
    )
    assert made.row == local
    equal = merge_row(None, row(input=1.0, metadata={}), row(input=1))
    assert equal.conflicts == ()


# ---------------------------------------------------------------- a dataset's own fields


def test_the_fields_of_a_dataset_are_merged_by_key() -> None:
    base = DatasetInfo("Cases", "d", {"a": 1, "b": 2})
    local = DatasetInfo("Cases", "local", {"a": 1, "b": 3})
    remote = DatasetInfo("Test cases", "d", {"b": 2, "c": 4})
    made = merge_info(base, local, remote)
    assert made.conflicts == ()
    assert made.info == DatasetInfo("Test cases", "local", {"b": 3, "c": 4})


def test_without_a_base_equal_fields_agree_and_the_others_conflict() -> None:
    local = DatasetInfo("Cases", "", {"a": 1, "b": 2})
    remote = DatasetInfo("Cases", "said", {"a": 1.0, "b": 3})
    made = merge_info(None, local, remote, subject="cases")
    assert made.info == local
    why = "different, and no common base is known"
    assert made.conflicts == (
        Conflict("cases", UnitKind.DATASET, "description", None, None, "said", why),
        Conflict("cases", UnitKind.DATASET, "metadata.b", None, "2", "3", why),
    )


def test_a_conflict_about_a_field_shows_all_three_and_names_the_dataset() -> None:
    made = merge_info(*(DatasetInfo(name, "d", {"k": name}) for name in ("B", "L", "R")))
    why = "edited on both sides"
    assert made.info == DatasetInfo("L", "d", {"k": "L"})
    assert made.conflicts == (
        Conflict("L", UnitKind.DATASET, "metadata.k", '"B"', '"L"', '"R"', why),
        Conflict("L", UnitKind.DATASET, "name", "B", "L", "R", why),
    )


# ---------------------------------------------------------------- laws (P22)

scalars: st.SearchStrategy[Json] = (
    st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, 2.5, "a", "b"])
)
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("k"), inner)
)
metadatas = st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2) | values
each_field: dict[str, st.SearchStrategy[Json]] = {
    **{name: values for name in ROW_FIELDS if not name.startswith("source_")},
    "metadata": metadatas,
    "source_trace_id": st.sampled_from(["t", " t", "u", None]),
    "source_timestamp": st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z", None]),
}
fields = st.fixed_dictionaries({}, optional=each_field)
rows = st.builds(Row, st.just(KEY), fields)


@st.composite
def related_rows(draw: st.DrawFn) -> tuple[Row, Row, Row]:
    base = draw(rows)
    sides = []
    for _ in range(2):
        edited = draw(st.sets(st.sampled_from(sorted(each_field))))
        kept = {name: value for name, value in base.fields.items() if name not in edited}
        made = {name: draw(each_field[name]) for name in sorted(edited) if draw(st.booleans())}
        sides.append(Row(KEY, {**made, **kept}))
    return base, sides[0], sides[1]


def merging_with_an_unchanged_side_gives_the_other(sides: tuple[Row, Row, Row]) -> None:
    """P22: merge(b, x, b) = x, merge(b, b, y) = y, merge(b, x, x) = x."""
    base, local, remote = sides
    for made, wanted in (
        (merge_row(base, local, base), local),
        (merge_row(base, base, remote), remote),
        (merge_row(base, local, local), local),
        (merge_row(None, local, local), local),
    ):
        assert made.conflicts == ()
        assert row_digest(made.row) == row_digest(wanted)


def merging_is_symmetric_and_agrees_with_the_changed_groups(
    sides: tuple[Row, Row, Row],
) -> None:
    base, local, remote = sides
    one, two = merge_row(base, local, remote), merge_row(base, remote, local)
    assert {(c.unit, c.local, c.remote) for c in one.conflicts} == {
        (c.unit, c.remote, c.local) for c in two.conflicts
    }
    mine, other = changed_row_groups(base, local, remote)
    assert {f"{KEY}:{group}" for group in mine & other} == {c.unit for c in one.conflicts}
    if not one.conflicts:
        assert row_digest(one.row) == row_digest(two.row)


def every_value_of_the_result_is_one_sides(sides: tuple[Row, Row, Row]) -> None:
    _, local, remote = sides
    made = merge_row(*sides).row
    for name, value in made.fields.items():
        if name != "metadata":
            assert value in [side.fields.get(name) for side in (local, remote)]
        elif isinstance(value, dict):
            known = [side.fields.get(name) for side in (local, remote)]
            dicts = [side for side in known if isinstance(side, dict)]
            assert all(any(side.get(key) == item for side in dicts) for key, item in value.items())


def a_side_decides_only_where_both_changed(sides: tuple[Row, Row, Row]) -> None:
    base, local, remote = sides
    made = merge_row(base, local, remote)
    open_units = {one.unit.removeprefix(f"{local.key}:") for one in made.conflicts}
    assert settle_row(base, local, remote, take=Take.LOCAL) == made.row
    taken = settle_row(base, local, remote, take=Take.REMOTE)
    differing = changed_row_groups(made.row, taken, made.row)[0]
    assert all({unit, unit.partition(".")[0]} & open_units for unit in differing)
    mirrored = settle_row(base, remote, local, take=Take.LOCAL)
    assert row_digest(taken) == row_digest(mirrored)
    shown = {one.unit.removeprefix(f"{local.key}:") for one in incoming_groups(*sides)}
    assert shown == changed_row_groups(base, local, remote)[1] - open_units


LAWS = (
    a_side_decides_only_where_both_changed,
    merging_with_an_unchanged_side_gives_the_other,
    merging_is_symmetric_and_agrees_with_the_changed_groups,
    every_value_of_the_result_is_one_sides,
)


@given(related_rows())
def test_merging_rows_obeys_every_law(sides: tuple[Row, Row, Row]) -> None:
    for law in LAWS:
        law(sides)


infos = st.builds(
    DatasetInfo,
    st.sampled_from(["Cases", "Tests"]),
    st.sampled_from(["", "said"]),
    st.none() | st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2),
)


@given(infos, infos, infos)
def test_a_datasets_fields_obey_the_laws(
    base: DatasetInfo, local: DatasetInfo, remote: DatasetInfo
) -> None:
    for made, wanted in (
        (merge_info(base, local, base), local),
        (merge_info(base, base, remote), remote),
        (merge_info(base, local, local), local),
        (merge_info(None, local, local), local),
    ):
        assert made.conflicts == ()
        assert info_digest(made.info) == info_digest(wanted)
    one, two = merge_info(base, local, remote), merge_info(base, remote, local)
    assert {c.unit for c in one.conflicts} == {c.unit for c in two.conflicts}
    if not one.conflicts:
        assert info_digest(one.info) == info_digest(two.info)
