"""Kept serializers carry nothing from one request to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rest_framework.exceptions import ValidationError

from skillsync.server import accounts
from skillsync.server.datasets_input import DatasetInput, ItemInput
from skillsync.server.dialects import CURRENT, SEED, Dialect
from skillsync.server.models import Dataset, Project
from skillsync.server.skills_input import CreateInput, PublishInput
from skillsync.server.validation import accepted
from skillsync.server.writes import now_after

if TYPE_CHECKING:
    import httpx

_LONG = {"name": "a", "description": "d" * 2000, "body": "b"}


def _accepted(kind: Any, data: object, *, dialect: Dialect = SEED, **options: Any) -> Any:
    return accepted(kind, data, dialect=dialect, **{"project": Project(pk=1), **options})


def _refused(kind: Any, data: object, **options: Any) -> Any:
    with pytest.raises(ValidationError) as refusal:
        _accepted(kind, data, **options)
    return refusal.value.detail


def test_what_was_sent_before_is_forgotten() -> None:
    assert _accepted(PublishInput, {"base_version": 1, "metadata": {"a": 1}})["metadata"] == {"a": 1}  # fmt: skip
    assert _accepted(PublishInput, {"base_version": 2}) == {"base_version": 2}
    assert "body" in _refused(CreateInput, {"name": "a", "description": "d"})
    first = _accepted(CreateInput, {**_LONG, "files": [{"path": "a", "content": "1"}]})
    second = _accepted(CreateInput, _LONG)
    assert "files" not in second
    first["metadata"]["x"] = first["allowed_tools"].append("X")
    assert _accepted(CreateInput, _LONG) == second


def test_nothing_sent_is_told_as_the_framework_tells_it() -> None:
    assert _refused(PublishInput, None) == {"non_field_errors": ["No data provided"]}
    assert list(_refused(PublishInput, [])) == ["non_field_errors"]


def test_each_dialect_has_its_limits() -> None:
    assert _accepted(CreateInput, _LONG)["description"] == _LONG["description"]
    assert list(_refused(CreateInput, _LONG, dialect=CURRENT)) == ["description"]
    assert _accepted(CreateInput, _LONG)["description"] == _LONG["description"]


def test_part_of_a_body_is_enough_only_where_that_was_said() -> None:
    assert _accepted(DatasetInput, {}, partial=True) == {}
    assert list(_refused(DatasetInput, {})) == ["name"]
    assert _accepted(DatasetInput, {}, partial=True) == {}


def test_a_dataset_is_looked_for_in_the_project_of_the_request(client: httpx.Client) -> None:
    client.get("datasets")  # binds this thread to the test's database
    now = now_after(None)
    mine = Project.objects.get(pk=1)
    other = accounts.create_project("other")
    dataset = Dataset.objects.create(project=mine, name="d", created_at=now, updated_at=now)
    for sent in (str(dataset.pk), dataset.pk.hex.upper(), dataset.pk.int):
        assert _accepted(ItemInput, {"dataset": sent}, project=mine)["dataset"] == dataset
        assert _refused(ItemInput, {"dataset": sent}, project=other) == {
            "dataset": [f'Invalid pk "{sent}" - object does not exist.']
        }
    assert _refused(ItemInput, {"dataset": "x"}, project=mine) == {
        "dataset": ["“x” is not a valid UUID."]
    }
