"""Datasets and items of our own server in the current dialect: versions, revisions, keys, quotas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from skillsync.api import versioned_datasets
from skillsync.api.datasets import DatasetsApi
from skillsync.api.secret import Secret
from skillsync.api.transport import Transport
from skillsync.api.versioned_rows import revision_from
from skillsync.errors import (
    BadAnswer,
    InvalidContent,
    KeyTaken,
    LimitReached,
    NotFound,
    Refused,
    VersionConflict,
)
from skillsync.model import DatasetInfo, Json, Key, Row
from skillsync.server import accounts
from skillsync.server.app import create_app, new_database
from skillsync.server.quotas import Quota
from tests.api.clients import client
from tests.api.conftest import KEY
from tests.api.raw_server import answer, serving
from tests.api.samples import page


@pytest.fixture(scope="module")
def transport(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transport]:
    folder: Path = tmp_path_factory.mktemp("current")
    app = create_app(
        new_database(folder / "server.sqlite3"),
        dialect="current",
        quota=Quota(datasets=30, items=60, versions=5),
    )
    accounts.first_start(key=KEY)
    with Transport(
        host="http://127.0.0.1:1", key=Secret(KEY), transport=httpx.WSGITransport(app=app)
    ) as one:
        yield one
    app.close()


@pytest.fixture
def datasets(transport: Transport) -> DatasetsApi:
    return DatasetsApi(transport, 1)


@pytest.fixture
def owner(datasets: DatasetsApi, request: pytest.FixtureRequest) -> str:
    """A dataset of this test's own."""
    name = request.node.name
    return datasets.create(DatasetInfo(name), slug="mine").id


def row(key: str, value: Json = 1, **fields: Json) -> Row:
    return Row(Key(key), {"input": value, **fields})


def test_a_dataset_is_made_changed_archived_and_brought_back(datasets: DatasetsApi) -> None:
    made = datasets.create(DatasetInfo("Refunds", "When", {"k": [1, 1.5]}), slug="refunds")
    assert (made.revision, made.own_slug, made.info.metadata) == (0, "refunds", {"k": [1, 1.5]})
    changed = datasets.patch(made, to=DatasetInfo("Refunds 2", "", None))
    assert changed.info == DatasetInfo("Refunds 2", "", None)
    assert changed.own_slug == "refunds"
    datasets.delete(made.id)
    with pytest.raises(NotFound) as caught:
        datasets.read(made.id)
    assert caught.value.reason == "archived"
    assert made.id not in {one.id for one in datasets.list()}
    with pytest.raises(Refused) as taken:
        datasets.create(DatasetInfo("Refunds 2"), slug="other")
    assert taken.value.reason == "dataset_name_conflict"
    assert not datasets.undelete(made.id).deleted
    assert datasets.read(made.id).info.name == "Refunds 2"


def test_a_creation_with_a_key_may_be_repeated(datasets: DatasetsApi, owner: str) -> None:
    wanted = row("a", 1e22, expected_output=[-0.0, 2.50], metadata={"b": 100.0})
    made = datasets.create_row(owner, wanted)
    again = datasets.create_row(owner, wanted)
    assert again == made
    assert (made.version, made.revision, made.own_key, made.row.key) == (1, 1, True, "a")
    assert datasets.read(owner).revision == 1
    with pytest.raises(KeyTaken) as caught:
        datasets.create_row(owner, row("a", 2))
    assert (caught.value.item, caught.value.exit_code) == (made.id, 4)


def test_a_write_names_what_it_builds_upon(datasets: DatasetsApi, owner: str) -> None:
    first = datasets.create_row(owner, row("a", 1, metadata={"x": 1}))
    second = datasets.update_row(first, {"input": 2, "metadata": None})
    assert (second.version, second.row.fields) == (2, {"input": 2})
    assert datasets.update_row(second, {"input": 2}).version == 2, "equal content is no version"
    lates: list[Callable[[], object]] = [
        lambda: datasets.update_row(first, {"input": 3}),
        lambda: datasets.delete_row(first),
    ]
    for late in lates:
        with pytest.raises(VersionConflict) as caught:
            late()
        assert caught.value.current == 2
    gone = datasets.delete_row(second)
    assert gone.deleted
    with pytest.raises(NotFound) as missing:
        datasets.read_row(first.id)
    assert missing.value.reason == "archived"
    assert datasets.read_any(first.id) == gone
    back = datasets.bring_back(gone, {"input": 9})
    assert (back.version, back.deleted, back.row.fields) == (5, False, {"input": 9})
    assert [one.version for one in datasets.versions(first.id)] == [5, 4, 3, 2, 1]
    assert datasets.read_row(first.id, revision=1).row.fields["metadata"] == {"x": 1}
    with pytest.raises(LimitReached) as full:
        datasets.update_row(back, {"input": 10})
    assert (full.value.resource, full.value.limit) == ("dataset_item_versions", 5)
    assert "another id" in full.value.hint


def test_a_revision_is_listed_whole_whatever_was_written_since(
    datasets: DatasetsApi, owner: str
) -> None:
    rows = [row(f"k{number:02}", number) for number in range(57)]
    made = {one.key: result for one, result in datasets.create_rows(owner, rows)}
    first = made[Key("k00")]
    assert not isinstance(first, Exception)
    datasets.delete_row(first)
    pinned = datasets.list_rows(owner, revision=57)
    assert pinned.complete
    assert sorted(one.row.key for one in pinned) == [one.key for one in rows]
    now = datasets.list_rows(owner, revision=58)
    assert now.complete
    assert len(now) == 56
    assert [one.row.key for one in datasets.list_rows(owner, revision=58, archived=True)] == ["k00"]
    assert (datasets.count_archived(owner), datasets.count_archived()) == (1, 0)
    assert datasets.list_rows(owner, revision=0) == datasets.list_rows(owner, revision=0)
    assert len(datasets.list_rows(owner, revision=0)) == 0
    for number in range(3):
        datasets.create_row(owner, row(f"more{number}"))
    with pytest.raises(LimitReached) as full:
        datasets.create_row(owner, row("too many"))
    assert (full.value.resource, full.value.count, full.value.limit) == ("dataset_items", 60, 60)


def test_what_cannot_be_changed_is_refused_before_it_is_sent(
    datasets: DatasetsApi, owner: str, transport: Transport
) -> None:
    when: dict[str, Json] = {"source_trace_id": "t", "source_timestamp": "2026-01-02T03:04:05Z"}
    made = datasets.create_row(owner, row("a", source_output="s", **when))
    assert made.row.fields["source_output"] == "s"
    before = transport.requests
    for name in ("source_output", "source_trace_id", "source_event_id"):
        with pytest.raises(InvalidContent, match=name):
            datasets.update_row(made, {name: "other"})
    assert transport.requests == before


def test_a_row_without_a_key_of_ours_is_called_by_its_id(
    datasets: DatasetsApi, owner: str, transport: Transport
) -> None:
    body: Json = {"dataset": owner, "input": {"q": 1}}
    answered = transport.request("POST", "/api/projects/1/dataset_items/", json=body).json
    assert isinstance(answered, dict)
    (found,) = datasets.list_rows(owner, revision=1)
    assert (found.row.key, found.own_key) == (f"srv:{answered['id']}", False)


def test_the_time_of_a_row_that_never_changed_is_held_once(
    datasets: DatasetsApi, owner: str
) -> None:
    made = datasets.create_row(owner, row("a"))
    assert made.updated_at is made.created_at
    changed = datasets.update_row(made, {"input": 2})
    assert changed.updated_at > changed.created_at == made.created_at


def test_a_server_that_calls_the_key_otherwise_is_only_read() -> None:
    number = "01a20ace-0000-77c7-84e3-d0b88a993447"
    item: dict[str, Json] = {
        "id": number,
        "dataset": number,
        "external_id": "k",
        "version": 1,
        "version_id": number,
        "dataset_revision": 1,
        "archived": False,
        "input": 1,
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        "created_by": None,
    }
    shown: dict[str, Json] = {"id": number, "name": "n", "metadata": {}, "description": "", "team_id": 1,
             "created_at": "2026-01-02T03:04:05Z", "created_by": None}  # fmt: skip

    with serving(answer(page(item))) as server, client(server.url) as transport:
        datasets = DatasetsApi(transport, 1)
        datasets.capabilities.note_dataset(shown)
        (found,) = datasets.list_rows(number, revision=1)
        assert found.row.key == "k"
        for write in (
            lambda: datasets.create_row(number, row("a")),
            lambda: datasets.update_row(found, {"input": 2}),
            lambda: datasets.delete_row(found),
            lambda: datasets.create(DatasetInfo("n"), slug="n"),
        ):
            with pytest.raises(Refused, match="only read"):
                write()
    assert {request.method for request in server.requests} == {"GET"}


def test_revisions_are_listed_newest_first_and_only_so_many(
    datasets: DatasetsApi, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        datasets.create_row(owner, row(f"k{number}", number))
    monkeypatch.setattr(versioned_datasets, "VERSION_PAGE", 2)
    assert [one.number for one in datasets.revisions(owner, newest=9)] == [5, 4, 3, 2, 1]
    assert [one.number for one in datasets.revisions(owner, newest=3)] == [5, 4, 3]
    [third] = datasets.revisions(owner, newest=1, skip=2)
    assert (third.number, bool(third.author.id)) == (3, True)
    assert datasets.revisions(owner, newest=1, skip=5) == []
    assert datasets.read(owner).revision_id == datasets.revisions(owner, newest=1)[0].id


@pytest.mark.parametrize(
    "wrong", [{"dataset_id": "01a21593-5249-74f8-a865-e0111645e89b"}, {"revision": 0}, {"id": "x"}]
)
def test_a_revision_of_something_else_is_refused(wrong: dict[str, Json]) -> None:
    number = "01a21593-5249-74f8-a865-e0111645e89a"
    good: dict[str, Json] = {
        "id": number,
        "dataset_id": number,
        "revision": 1,
        "created_at": "2026-08-01T10:00:00Z",
        "created_by": None,
        "team_id": 1,
    }
    assert revision_from(good, dataset=number).author.id is None
    with pytest.raises(BadAnswer):
        revision_from({**good, **wrong}, dataset=number)
