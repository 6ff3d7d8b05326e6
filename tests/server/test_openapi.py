"""The OpenAPI description: complete, valid, true under schemathesis, and no burden on the start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.dialects import DIALECTS
from skillsync.server.openapi_operations import operations_of
from skillsync.server.openapi_schema import describe
from skillsync.server.serve import running
from tests.server.facts import a_file, create

KEY = "phx_first_key"
BOTH = pytest.mark.parametrize("dialect", sorted(DIALECTS))


@pytest.fixture
def address(tmp_path: Path, dialect: str) -> Iterator[str]:
    database = new_database(tmp_path / "server.sqlite3")
    create_app(database)
    accounts.first_start(key=KEY)
    with running(database, dialect=dialect) as server:
        yield server.url


@BOTH
def test_anybody_may_read_it(address: str, dialect: str) -> None:
    for path in ("/api/schema/", "/api/schema"):
        answer = httpx.get(f"{address}{path}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")
        assert answer.json() == json.loads(json.dumps(describe(DIALECTS[dialect])))


@BOTH
def test_it_is_openapi_and_deterministic(dialect: str) -> None:
    from drf_spectacular.validation import validate_schema

    made = describe(DIALECTS[dialect])
    validate_schema(made)  # type: ignore[no-untyped-call]
    assert describe(DIALECTS[dialect]) == made
    names = [
        operation["operationId"] for path in made["paths"].values() for operation in path.values()
    ]
    assert len(set(names)) == len(names)


@BOTH
def test_every_method_of_every_path_has_its_row_and_every_row_a_path(dialect: str) -> None:
    spoken = DIALECTS[dialect]
    there = set()
    for pattern in import_module(spoken.urlconf).urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if view is not None:
            methods = set(view().allowed_methods) - {"HEAD", "OPTIONS"}
            there |= {(view.__module__.rpartition(".")[2], view.__name__, each) for each in methods}
    assert set(operations_of(spoken)) == there


@BOTH
def test_a_skill_has_the_fields_of_the_dialect(dialect: str) -> None:
    shapes = describe(DIALECTS[dialect])["components"]["schemas"]
    assert list(shapes["Skill"]["properties"]) == list(DIALECTS[dialect].detail_fields)
    limits = shapes["CreateInput"]["properties"]
    assert limits["description"]["maxLength"] == DIALECTS[dialect].max_description


@pytest.mark.slow
def test_the_start_of_the_server_does_not_pay_for_it() -> None:
    program = (
        "import sys\n"
        "from skillsync.server.app import create_app, new_database\n"
        "from pathlib import Path; import tempfile, django.urls\n"
        "create_app(new_database(Path(tempfile.mkdtemp()) / 's.sqlite3'))\n"
        "django.urls.get_resolver('skillsync.server.urls_current').url_patterns\n"
        "print([name for name in sys.modules if name.startswith(('drf_spectacular', 'jsonschema'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# ---------------------------------------------------------------- schemathesis


class Known:
    """What exists on the server, so that not every request ends as 404."""

    def __init__(self, address: str) -> None:
        with httpx.Client(
            base_url=f"{address}/api/projects/1/", headers={"Authorization": f"Bearer {KEY}"}
        ) as client:
            self.skill = create(client, files=[a_file("a.md")])
            self.dataset = client.post("datasets/", json={"name": "d"}).json()
            item = {"dataset": self.dataset["id"], "input": 1}
            self.item = client.post("dataset_items/", json=item).json()

    def parameters(self, path: str) -> dict[str, str]:
        """Values that lead somewhere."""
        row = self.item if "dataset_items" in path else self.dataset
        return {"project": "1", "name": "greet", "path": "a.md", "id": row["id"], "export": "1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "dialect",
    ["seed", "current"],
)
def test_no_request_fails_the_server_or_meets_an_answer_that_is_not_described(
    address: str, dialect: str
) -> None:
    import schemathesis
    from schemathesis import checks
    from schemathesis.specs.openapi import checks as openapi

    known = Known(address)
    described = schemathesis.openapi.from_dict(describe(DIALECTS[dialect]))
    asked = {"not_a_server_error": 0}
    wanted: list[Any] = [
        checks.not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
    ]
    for result in described.get_all_operations():
        operation = cast("Any", result).ok()

        @settings(
            max_examples=10,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), leads_somewhere=st.sampled_from([True, True, False]))
        def hold(case: Any, leads_somewhere: bool) -> None:
            case.path_parameters["project"] = "1"
            if leads_somewhere:
                values = known.parameters(case.operation.path)
                case.path_parameters = {name: values[name] for name in case.path_parameters}
            case.call_and_validate(
                base_url=address, headers={"Authorization": f"Bearer {KEY}"}, checks=wanted
            )
            asked["not_a_server_error"] += 1

        hold()
    assert asked["not_a_server_error"] > 100
