"""Rows by key and field: nothing lost, nothing sorted, and the digests of the plan are the canonical ones."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from skillsync.model import Entry, Folder
from skillsync.review.dataset_changes import (
    DatasetContent,
    compare_dataset,
    open_dataset,
    show_rows,
)
from skillsync.review.values import Standing


def a_dataset(*rows: object) -> DatasetContent:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    return open_dataset(Folder("datasets/d", (Entry("items.jsonl", text.encode(), len(text)),)))


def test_rows_are_told_by_key_in_the_order_of_the_file() -> None:
    before = a_dataset(
        {"id": "b", "input": 1, "expected_output": {"answer": "x", "n": 1}},
        {"id": "a", "input": 2},
        {"id": "gone", "input": 3},
        {"id": "old", "input": "same"},
        '{"id": "same", "input": 1.0}',
    )
    after = a_dataset(
        {"id": "z", "input": 9},
        '{"input": 1, "id": "same"}',
        {"id": "a", "input": 2},
        {"id": "b", "input": 1, "expected_output": {"answer": "y", "n": 1}, "metadata": {"k": 1}},
        {"id": "new", "input": "same"},
        {"input": "no key"},
    )
    parts = compare_dataset(before, after)
    assert [(str(row.key), row.status, row.line) for row in parts.rows] == [
        ("z", "added", 1),
        ("b", "changed", 4),
        ("new", "rekeyed", 5),
        ("gone", "removed", None),
    ]
    assert (parts.unchanged, parts.keyless) == (2, 1)
    shown = show_rows(parts.rows, str, with_values=True, standing=lambda _: Standing.CURRENT)
    assert [(one.field, one.count) for one in shown.fields] == [
        ("expected_output.answer", 1),
        ("metadata", 1),
    ]
    answer = shown.items[1].fields[0]
    assert (answer.field, answer.before, answer.after) == ("expected_output.answer", '"x"', '"y"')
    hidden = show_rows(parts.rows, str, with_values=False, standing=lambda _: Standing.CURRENT)
    assert hidden.omitted_values == 4
    assert not any(field.shown for item in hidden.items for field in item.fields)


@given(
    before=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=6),
    after=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=6),
)
def test_every_row_is_counted_once(before: dict[str, int], after: dict[str, int]) -> None:
    one = a_dataset(*({"id": key, "input": value} for key, value in before.items()))
    two = a_dataset(*({"id": key, "input": value} for key, value in after.items()))
    parts = compare_dataset(one, two)
    number = {status: parts.count(status) for status in ("added", "changed", "removed", "rekeyed")}
    assert number["changed"] == sum(
        before[key] != after[key] for key in before.keys() & after.keys()
    )
    assert number["added"] + number["rekeyed"] == len(after.keys() - before.keys())
    assert number["removed"] + number["rekeyed"] == len(before.keys() - after.keys())
    assert parts.unchanged + number["changed"] == len(before.keys() & after.keys())
    equal = {value for key, value in before.items() if key not in after}
    assert number["rekeyed"] <= sum(
        value in equal for key, value in after.items() if key not in before
    )


@given(
    st.lists(
        st.tuples(
            st.fixed_dictionaries({"a": st.integers(0, 1), "b": st.integers(0, 1)}),
            st.sampled_from([1, "1", None]),
        ),
        max_size=6,
    )
)
def test_a_field_is_counted_once_for_every_row_in_which_it_differs(
    rows: list[tuple[dict[str, int], object]],
) -> None:
    before = a_dataset(
        *(
            {"id": str(at), "input": {"a": 0, "b": 0}, "expected_output": 1}
            for at in range(len(rows))
        )
    )
    after = a_dataset(
        *(
            {"id": str(at), "input": value, "expected_output": output}
            for at, (value, output) in enumerate(rows)
        )
    )
    found = show_rows(compare_dataset(before, after).rows, str, with_values=True,
                      standing=lambda _: Standing.CURRENT)  # fmt: skip
    expected = {f"input.{name}": sum(value[name] for value, _ in rows) for name in "ab"}
    expected["expected_output"] = sum(output != 1 for _, output in rows)
    assert {one.field: one.count for one in found.fields} == {
        name: count for name, count in expected.items() if count
    }
    assert list(found.fields) == sorted(found.fields, key=lambda one: (-one.count, one.field))


def test_a_long_value_is_cut_around_where_it_differs() -> None:
    before = a_dataset({"id": "a", "input": "x" * 3_000 + "OLD" + "y" * 3_000})
    after = a_dataset({"id": "a", "input": "x" * 3_000 + "NEW" + "y" * 3_000})
    rows = compare_dataset(before, after).rows
    field = show_rows(rows, str, with_values=True, standing=lambda _: Standing.CURRENT).items[0].fields[0]  # fmt: skip
    assert field.before is not None
    assert field.after is not None
    assert "OLD" in field.before
    assert "NEW" in field.after
    assert len(field.before) < 500


def test_true_is_not_one_and_one_is_one_point_zero() -> None:
    before = a_dataset(
        '{"id": "a", "input": {"x": 1}}',
        '{"id": "b", "input": {"x": 1}}',
        '{"id": "c", "input": 1}',
    )
    after = a_dataset(
        '{"id": "a", "input": {"x": true}}',
        '{"id": "b", "input": {"x": 1.0}}',
        '{"id": "c", "input": true}',
    )
    parts = compare_dataset(before, after)
    assert [str(row.key) for row in parts.rows] == ["a", "c"]
    shown = show_rows(parts.rows, str, with_values=True, standing=lambda _: Standing.CURRENT)
    assert all(item.fields for item in shown.items)
