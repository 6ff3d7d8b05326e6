"""Whatever is sent, the answer is one of the contract's: never a failure of the server."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.facts import JSON, a_file, create

if TYPE_CHECKING:
    import httpx

FIELDS = [
    "name", "description", "body", "license", "compatibility", "allowed_tools", "metadata", "files",
    "edits", "file_edits", "base_version", "path", "content", "content_type", "old", "new",
    "old_path", "new_path", "new_name", "dataset", "input", "output", "ref_trace_id",
    "ref_timestamp", "ref_source_id", "deleted", "owners", "tags", "version_description",
    "expected_output", "source_output", "client_item_id", "source_trace_id", "source_timestamp",
    "source_version", "revision",
]  # fmt: skip
PARAMETERS = [
    "limit", "offset", "order_by", "search", "id__in", "dataset", "version", "version_id",
    "before_version", "base_version", "body_offset", "body_length", "category", "created_by_id",
    "owner_id", "tags", "query", "archived", "revision",
]  # fmt: skip
ODD = ["", " ", "\0", "\ud800", "1e400", "2024-01-01", "-1", "٣", "%", "a,b", "x" * 300]

_scalar = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats()
    | st.sampled_from(ODD)
    | st.text(max_size=5)
)
_any = st.recursive(
    _scalar,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)
_body = st.dictionaries(st.sampled_from(FIELDS), _any, max_size=8) | _any
_query = st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(ODD) | st.text(max_size=4))

_shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=settings().max_examples // 5,  # each makes up to a dozen requests
)


def well_formed(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


SKILL = "llm_skills/name/greet"


def prepared(client: httpx.Client) -> tuple[str, str]:
    """A skill, a dataset and an item; ids of the latter two."""
    if client.get(SKILL).status_code == 404:
        create(client, files=[a_file("a")])
    made = client.post("datasets", json={"name": str(uuid.uuid4())})
    if made.status_code == 201:
        row = made.json()["id"]
    else:  # the newer datasets have a quota
        row = client.get("datasets").json()["results"][0]["id"]
    item = client.post("dataset_items", json={"dataset": row, "input": 1})
    return row, item.json()["id"]


def writes(row: str, item: str) -> list[tuple[str, str]]:
    return [
        ("POST", "llm_skills"),
        ("PATCH", SKILL),
        ("POST", f"{SKILL}/files"),
        ("POST", f"{SKILL}/files-rename"),
        ("POST", f"{SKILL}/duplicate"),
        ("POST", "datasets"),
        ("PATCH", f"datasets/{row}"),
        ("POST", "dataset_items"),
        ("PATCH", f"dataset_items/{item}"),
    ]


def check_writes(client: httpx.Client, body: Any, paths: list[tuple[str, str]]) -> None:
    for method, path in paths:
        answer = client.request(method, path, content=json.dumps(body), headers=JSON)
        assert answer.status_code in {200, 201, 400, 404, 409}, (path, answer.text)
        assert answer.json()


def check_reads(client: httpx.Client, query: dict[str, str], paths: list[str]) -> None:
    sent = {name: well_formed(value) for name, value in query.items()}
    for path in paths:
        answer = client.get(path, params=sent)
        assert answer.status_code in {200, 400, 404}, (path, answer.text)
        assert answer.json()


READS = ["llm_skills", SKILL, "llm_skills/resolve/name/greet", f"{SKILL}/files/a", "datasets",
         "dataset_items"]  # fmt: skip


@pytest.mark.slow
@_shared
@given(body=_body)
def test_no_body_makes_it_fail(client: httpx.Client, body: Any) -> None:
    row, item = prepared(client)
    check_writes(client, body, [*writes(row, item), ("PUT", f"datasets/{row}")])


@_shared
@given(body=_body)
def test_no_body_makes_the_current_dialect_fail(current: httpx.Client, body: Any) -> None:
    row, item = prepared(current)
    newer = [
        ("POST", f"{SKILL}/rename"),
        ("POST", f"dataset_items/{item}/archive"),
        ("POST", f"dataset_items/{item}/restore"),
        ("POST", f"datasets/{row}/exports"),
    ]
    check_writes(current, body, [*writes(row, item), *newer])


@pytest.mark.slow
@_shared
@given(query=_query)
def test_no_query_makes_it_fail(client: httpx.Client, query: dict[str, str]) -> None:
    prepared(client)
    check_reads(client, query, READS)


@_shared
@given(query=_query)
def test_no_query_makes_the_current_dialect_fail(
    current: httpx.Client, query: dict[str, str]
) -> None:
    row, item = prepared(current)
    newer = [
        f"{SKILL}/skill-md", "llm_skills/search", "llm_skills/tags", f"datasets/{row}/revisions",
        f"dataset_items/{item}", f"dataset_items/{item}/versions",
    ]  # fmt: skip
    check_reads(current, query, [*READS, *newer])
