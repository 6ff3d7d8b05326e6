"""Pages by limit and offset (platform.md 7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from skillsync.server.models import Dataset, Project
from tests.server.facts import create

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

LIST = "http://server.test/api/projects/1/llm_skills"


@pytest.fixture(scope="module")
def five(kept_world: Callable[..., httpx.Client]) -> httpx.Client:
    client = kept_world()
    for number in range(5):
        create(client, f"s{number}")
    return client


@pytest.mark.parametrize(
    ("query", "names", "following", "previous"),
    [
        ("order_by=name", "01234", None, None),
        ("order_by=name&limit=2", "01", "limit=2&offset=2&order_by=name", None),
        ("order_by=name&limit=2&offset=2", "23", "limit=2&offset=4&order_by=name", "limit=2&order_by=name"),
        ("order_by=name&limit=2&offset=4", "4", None, "limit=2&offset=2&order_by=name"),
        ("order_by=name&limit=2&offset=1", "12", "limit=2&offset=3&order_by=name", "limit=2&order_by=name"),
        ("order_by=name&limit=9&offset=9", "", None, "limit=9&order_by=name"),
        ("order_by=name&limit=0", "01234", None, None),
        ("order_by=name&limit=-1", "01234", None, None),
        ("order_by=name&limit=x", "01234", None, None),
        ("order_by=name&limit=99999999999999999999999", "01234", None, None),
        ("order_by=name&offset=x", "01234", None, None),
        ("order_by=name&offset=-3", "01234", None, None),
        ("order_by=name&limit=1&limit=3", "012", "limit=3&offset=3&order_by=name", None),
    ],
)  # fmt: skip
def test_a_page_and_its_neighbours(
    five: httpx.Client, query: str, names: str, following: str | None, previous: str | None
) -> None:
    page = five.get(f"llm_skills?{query}").json()
    assert page["count"] == 5
    assert "".join(row["name"][1:] for row in page["results"]) == names
    assert page["next"] == (following and f"{LIST}?{following}")
    assert page["previous"] == (previous and f"{LIST}?{previous}")


def test_an_offset_beyond_every_database_is_an_empty_page(five: httpx.Client) -> None:
    page = five.get("llm_skills?offset=99999999999999999999999").json()
    assert (page["count"], page["results"], page["next"]) == (5, [], None)


def test_links_follow_host_scheme_and_prefix_of_the_request(five: httpx.Client) -> None:
    headers = {"Host": "example.com:8443", "X-Forwarded-Proto": "https"}
    page = five.get("llm_skills/?limit=3", headers=headers)
    assert (
        page.json()["next"]
        == "https://example.com:8443/api/projects/1/llm_skills/?limit=3&offset=3"
    )
    proxied = {"X-Forwarded-Host": "a.example, b.example", "X-Forwarded-Proto": "https, http"}
    page = five.get("llm_skills?limit=3", headers=proxied)
    assert page.json()["next"] == "https://a.example/api/projects/1/llm_skills?limit=3&offset=3"
    page = five.get("http://server.test/api/environments/1/llm_skills?limit=3")
    assert (
        page.json()["next"] == "http://server.test/api/environments/1/llm_skills?limit=3&offset=3"
    )


def test_the_default_page_has_100_rows(client: httpx.Client) -> None:
    project = Project.objects.get()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    Dataset.objects.bulk_create(
        Dataset(project=project, name=f"{number}", created_at=moment, updated_at=moment)
        for number in range(101)
        for moment in [start + timedelta(seconds=number)]
    )
    page = client.get("datasets").json()
    assert (page["count"], len(page["results"])) == (101, 100)
    last = client.get(page["next"]).json()
    assert [row["name"] for row in last["results"]] == ["0"]
    assert len(client.get("datasets?limit=1000").json()["results"]) == 101
