"""Datasets and items of our own server, of paged and drifting lists, and which generation a server is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from skillsync.api.datasets import DatasetsApi
from skillsync.api.detect import Capabilities
from skillsync.api.rows import row_from
from skillsync.api.transport import Transport
from skillsync.errors import BadAnswer, NotFound, Refused, RemoteError, Unreachable
from skillsync.model import DatasetInfo, Key, RemoteRow, Row
from tests.api.clients import client
from tests.api.conftest import World
from tests.api.raw_server import Request, answer, serving
from tests.api.samples import FIRST, OTHER_ID, page

# ---------------------------------------------------------------- our own server


def rows(count: int) -> list[Row]:
    return [Row(Key(f"k{number}"), {"input": number}) for number in range(count)]


def test_a_dataset_is_created_read_listed_and_changed(datasets: DatasetsApi) -> None:
    made = datasets.create(DatasetInfo("Refunds", "When to pay", {"k": [1, 1.5]}), slug="refunds")
    assert datasets.read(made.id) == made
    assert datasets.list().items == (made,)
    assert made.own_slug == "refunds"
    changed = datasets.patch(made, to=DatasetInfo("Refunds 2", "When to pay", {"k": 2}))
    assert changed.info == DatasetInfo("Refunds 2", "When to pay", {"k": 2})
    assert changed.own_slug == "refunds"
    assert datasets.read(made.id) == changed


def test_a_patch_without_a_difference_sends_nothing(world: World) -> None:
    transport = world.transport()
    datasets = DatasetsApi(transport, 1)
    made = datasets.create(DatasetInfo("n"), slug="n")
    before = transport.requests
    assert datasets.patch(made, to=DatasetInfo("n", "", {})) is made
    assert transport.requests == before


def test_names_of_datasets_may_repeat(datasets: DatasetsApi) -> None:
    for _ in range(2):
        datasets.create(DatasetInfo("n"), slug="n")
    assert len(datasets.list()) == 2


def test_a_row_lives_dies_and_comes_back(datasets: DatasetsApi) -> None:
    owner = datasets.create(DatasetInfo("n"), slug="n").id
    made = datasets.create_row(owner, Row(Key("k"), {"input": {"q": 1}, "metadata": {"a": 1}}))
    assert datasets.read_row(made.id).row == made.row
    patched = datasets.update_row(made, {"expected_output": "x", "metadata": None})
    assert patched.row == Row(Key("k"), {"input": {"q": 1}, "expected_output": "x"})
    assert datasets.delete_row(made).deleted
    with pytest.raises(NotFound):
        datasets.read_row(made.id)
    assert datasets.list_rows(owner).items == ()
    late = datasets.update_row(made, {"input": 2})
    assert late.deleted, "a write to a deleted row answers 200: only the flag tells"
    assert datasets.read_any(made.id).deleted
    assert not datasets.undelete_row(made.id).deleted
    assert datasets.read_row(made.id).row.fields["input"] == 2


@pytest.mark.parametrize("size", [1, 3, 10, 1_000])
def test_all_pages_are_read_whatever_their_size(datasets: DatasetsApi, size: int) -> None:
    owner = datasets.create(DatasetInfo("n"), slug="n").id
    other = datasets.create(DatasetInfo("m"), slug="m").id
    datasets.create_row(other, Row(Key("elsewhere"), {}))
    for row in rows(10):
        datasets.create_row(owner, row)
    listing = datasets.list_rows(owner, page=size)
    assert listing.complete
    assert {found.row.key for found in listing} == {f"k{number}" for number in range(10)}


def test_many_rows_are_created_and_each_error_stays_with_its_own(datasets: DatasetsApi) -> None:
    owner = datasets.create(DatasetInfo("n"), slug="n").id
    wanted = [*rows(3), Row(Key("bad"), {"source_timestamp": "yesterday"})]
    found = {row.key: result for row, result in datasets.create_rows(owner, wanted)}
    assert len(found) == 4
    assert isinstance(found[Key("bad")], Refused)
    assert all(isinstance(found[row.key], RemoteRow) for row in rows(3))
    assert len(datasets.list_rows(owner)) == 3


def test_a_real_delete_is_refused_with_405_and_an_empty_body(world: World) -> None:
    transport = world.transport()
    made = DatasetsApi(transport, 1).create(DatasetInfo("n"), slug="n")
    for path in (f"datasets/{made.id}/", "dataset_items/nothing/"):
        with pytest.raises(Refused) as caught:
            transport.request("DELETE", f"/api/projects/1/{path}")
        assert caught.value.status == 405
    assert DatasetsApi(transport, 1).read(made.id) == made


def test_rows_of_a_dataset_that_is_not_there(datasets: DatasetsApi) -> None:
    with pytest.raises(Refused) as caught:
        datasets.list_rows(OTHER_ID)
    assert caught.value.field == "dataset"
    with pytest.raises(NotFound):
        datasets.read(OTHER_ID)


# ---------------------------------------------------------------- lists that drift


def seed(transport: Transport) -> DatasetsApi:
    """The datasets of a server that has shown its generation already."""
    return DatasetsApi(transport, 1, Capabilities(dataset_generation="G1"))


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"01a20ace-9273-77c7-84e3-{number:012x}",
        "dataset": OTHER_ID,
        "input": number,
        "output": None,
        "metadata": {"skillsync_id": f"k{number}"},
        "deleted": False,
        "created_at": FIRST,
        "updated_at": FIRST,
        "created_by": None,
        "team": 1,
        **changes,
    }


LINK = "/api/environments/1/dataset_items/?dataset=x&offset={}"


def pages(*walks: list[dict[str, Any]]) -> Callable[[Request], Iterable[bytes]]:
    """Serve the pages of each walk in turn; the last walk again and again."""
    queue = [list(walk) for walk in walks]
    current: list[dict[str, Any]] = []

    def respond(_: Request) -> Iterable[bytes]:
        if not current:
            current.extend(queue.pop(0) if len(queue) > 1 else queue[0])
        yield answer(current.pop(0))

    return respond


STEADY = [page(item(1), item(2), count=3, following=LINK.format(2)), page(item(3), count=3)]
SHIFTED = [page(item(1), item(2), count=3, following=LINK.format(2)), page(item(2), count=3)]
SKIPPED = [page(item(1), item(2), count=3, following=LINK.format(2)), page(count=3)]
LYING = [page(item(1), count=5)]


@pytest.mark.parametrize("broken", [SHIFTED, SKIPPED, LYING])
def test_a_list_that_moved_under_us_is_read_again(broken: list[dict[str, Any]]) -> None:
    with serving(pages(broken, STEADY)) as server, client(server.url) as transport:
        listing = seed(transport).list_rows(OTHER_ID)
    assert listing.complete
    assert [row.row.key for row in listing] == ["k1", "k2", "k3"]


@pytest.mark.parametrize("broken", [SHIFTED, SKIPPED, LYING])
def test_a_list_that_never_adds_up_says_so(broken: list[dict[str, Any]]) -> None:
    with serving(pages(broken)) as server, client(server.url) as transport:
        listing = seed(transport).list_rows(OTHER_ID)
    assert not listing.complete
    assert listing.items
    assert len(server.requests) == 4 * len(broken)


def test_an_item_repeated_with_other_content_makes_the_list_unreliable() -> None:
    twice = [
        page(item(1), count=2, following=LINK.format(1)),
        page(item(1, input="other"), item(2), count=2),
    ]
    with serving(pages(twice)) as server, client(server.url) as transport:
        assert not seed(transport).list_rows(OTHER_ID).complete


def test_links_that_lead_in_circles_end() -> None:
    counter = iter(range(1, 1_000))

    def circle(_: Request) -> Iterable[bytes]:
        yield answer(page(item(next(counter)), count=9, following=LINK.format(1)))

    def empty(_: Request) -> Iterable[bytes]:
        yield answer(page(count=9, following=LINK.format(next(counter))))

    with serving(circle) as server, client(server.url) as transport, pytest.raises(BadAnswer):
        seed(transport).list_rows(OTHER_ID)
    with serving(empty) as server, client(server.url) as transport:
        assert not seed(transport).list_rows(OTHER_ID).complete
    assert len(server.requests) < 10


def test_an_item_of_another_dataset_is_a_problem_and_not_an_item() -> None:
    strange = page(item(1), item(2, dataset="01a20ace-0000-0000-0000-000000000000"))
    with serving(answer(strange)) as server, client(server.url) as transport:
        listing = seed(transport).list_rows(OTHER_ID)
    assert [row.row.key for row in listing] == ["k1"]
    assert len(listing.problems) == 1


def test_pages_that_are_too_large_are_asked_for_in_smaller_ones() -> None:
    sizes: list[int] = []

    def respond(request: Request) -> Iterable[bytes]:
        size = int(request.target.rpartition("limit=")[2])
        sizes.append(size)
        yield answer(b"", length=1 << 40) if size > 20 else answer(page(item(1)))

    with serving(respond) as server, client(server.url) as transport:
        assert seed(transport).list_rows(OTHER_ID).complete
    assert sizes == [1_000, 125, 15]
    with (
        serving(answer(b"", length=1 << 40)) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer),
    ):
        seed(transport).list_rows(OTHER_ID)


@pytest.mark.parametrize(
    "value",
    [{}, [], {"count": -1, "results": []}, {"count": True, "results": []}, {"count": 0},
     {"count": 1, "results": [1]}, {"count": 0, "results": {}}, "x"],
)  # fmt: skip
def test_a_page_of_another_shape_is_refused(value: object) -> None:
    with (
        serving(answer(value)) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer),
    ):
        DatasetsApi(transport, 1).list()


# ---------------------------------------------------------------- writes


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (answer(b"", status=500), Unreachable),
        (answer(b"<html>"), BadAnswer),
        (answer({}), BadAnswer),
        (answer(item(2)), BadAnswer),
    ],
)
def test_no_write_is_sent_twice_and_each_says_that_it_may_have_happened(
    data: bytes, kind: type[RemoteError]
) -> None:
    with serving(data) as server, client(server.url) as transport:
        datasets = DatasetsApi(transport, 1, Capabilities(dataset_generation="G1"))
        now = row_from(item(1))
        calls: list[Callable[[], object]] = [
            lambda: datasets.update_row(now, {"input": 1}),
            lambda: datasets.delete_row(now),
        ]
        for count, call in enumerate(calls, 1):
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.indeterminate
            assert len(server.requests) == count


def test_a_delete_that_changed_nothing_is_noticed() -> None:
    with serving(answer(item(1))) as server, client(server.url) as transport:
        datasets = DatasetsApi(transport, 1, Capabilities(dataset_generation="G1"))
        with pytest.raises(BadAnswer, match="did not change"):
            datasets.delete_row(row_from(item(1)))


# ---------------------------------------------------------------- which generation it is

SHOWN: dict[str, Any] = {
    "id": OTHER_ID,
    "name": "n",
    "description": "",
    "metadata": {},
    "created_at": FIRST,
    "updated_at": FIRST,
    "created_by": None,
}
G2_DATASET = {**SHOWN, "archived": False, "team_id": 1, "current_revision": 3}


def test_the_generation_is_what_the_first_dataset_shows() -> None:
    for shown, generation in ((G2_DATASET, "G2"), ({**SHOWN, "deleted": False, "team": 1}, "G1")):
        with serving(answer(page(shown))) as server, client(server.url) as transport:
            datasets = DatasetsApi(transport, 1)
            assert datasets.list().complete
            assert datasets.capabilities.dataset_generation == generation
            assert datasets.guarantees.guarded is (generation == "G2")
            assert len(server.requests) == 1


@pytest.mark.parametrize("generation", ["G1", "G2"])
def test_an_empty_server_is_asked_by_the_one_probe_that_changes_nothing(generation: str) -> None:
    missing = {"type": "validation_error", "code": "required", "detail": "x", "attr": "dataset"}

    def respond(request: Request) -> Iterable[bytes]:
        is_refused = "dataset_items" in request.path and generation == "G2"
        yield answer(missing, status=400) if is_refused else answer(page())

    with serving(respond) as server, client(server.url) as transport:
        datasets = DatasetsApi(transport, 1)
        assert datasets.list().complete
        assert datasets.spelling == ("current" if generation == "G2" else "seed")
        assert datasets.guarantees.history is (generation == "G2")
    assert [request.method for request in server.requests] == ["GET", "GET"]


def test_a_server_that_changes_its_generation_is_not_believed() -> None:
    def later(request: Request) -> Iterable[bytes]:
        is_list = request.path.endswith("/datasets/")
        yield answer(page({**SHOWN, "team": 1})) if is_list else answer(G2_DATASET)

    with serving(later) as server, client(server.url) as transport:
        datasets = DatasetsApi(transport, 1)
        datasets.list()
        with pytest.raises(Refused, match="changed their generation") as caught:
            datasets.read(OTHER_ID)
        assert caught.value.reason == "generation"
