"""Whatever is sent, the answer is one of the contract's: never a failure of the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.facts import JSON, a_file, create

if TYPE_CHECKING:
    import httpx

FIELDS = [
    "name", "description", "body", "license", "compatibility", "allowed_tools", "metadata", "files",
    "edits", "file_edits", "base_version", "path", "content", "content_type", "old", "new",
    "old_path", "new_path", "new_name", "dataset", "input", "output", "ref_trace_id",
    "ref_timestamp", "ref_source_id", "deleted",
]  # fmt: skip
PARAMETERS = [
    "limit", "offset", "order_by", "search", "id__in", "dataset", "version", "version_id",
    "before_version", "base_version",
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
    max_examples=settings().max_examples // 3,  # each makes up to a dozen requests
)


def well_formed(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@_shared
@given(body=_body)
def test_no_body_makes_it_fail(client: httpx.Client, body: Any) -> None:
    if not known(client):
        create(client, files=[a_file("a")])
    row = client.post("datasets", json={"name": "d"}).json()["id"]
    item = client.post("dataset_items", json={"dataset": row}).json()["id"]
    skill = "llm_skills/name/greet"
    for method, path in (
        ("POST", "llm_skills"),
        ("PATCH", skill),
        ("POST", f"{skill}/files"),
        ("POST", f"{skill}/files-rename"),
        ("POST", f"{skill}/duplicate"),
        ("POST", "datasets"),
        ("PATCH", f"datasets/{row}"),
        ("PUT", f"datasets/{row}"),
        ("POST", "dataset_items"),
        ("PATCH", f"dataset_items/{item}"),
    ):
        answer = client.request(method, path, content=json.dumps(body), headers=JSON)
        assert answer.status_code in {200, 201, 400, 404, 409}, (path, answer.text)
        assert answer.json()


@_shared
@given(query=_query)
def test_no_query_makes_it_fail(client: httpx.Client, query: dict[str, str]) -> None:
    if not known(client):
        create(client, files=[a_file("a")])
    sent = {name: well_formed(value) for name, value in query.items()}
    skill = "llm_skills/name/greet"
    for path in ("llm_skills", skill, "llm_skills/resolve/name/greet", f"{skill}/files/a",
                 "datasets", "dataset_items"):  # fmt: skip
        answer = client.get(path, params=sent)
        assert answer.status_code in {200, 400, 404}, (path, answer.text)
        assert answer.json()


def known(client: httpx.Client) -> bool:
    return client.get("llm_skills/name/greet").status_code == 200
