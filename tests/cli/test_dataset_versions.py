"""log, show and diff NAME@N of a dataset as a person and a script meet them, on a server that keeps its versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.cli.cli_world import World, open_world
from tests.cli.snapshots import check_shapes, check_text, steady
from tests.cli.test_snapshots import Shapes, Story

ROWS = (
    '{"id": "q1", "input": {"subject": "Hi"}, "expected_output": "a"}',
    '{"id": "q2", "input": {"subject": "Ho"}, "expected_output": "b"}',
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server of the newest generation, in the place of the seed's."""
    with open_world(tmp_path_factory.mktemp("cli"), dialect="current") as opened:
        yield opened


def test_versions_of_a_dataset_word_for_word_and_as_documents(world: World) -> None:
    repo = world.repository()
    path = repo.dataset("rows", *ROWS)
    repo.ok("push")
    repo.commit()
    with repo.web() as client:
        [dataset] = client.get("datasets/").json()["results"]
        items = client.get("dataset_items/", params={"dataset": dataset["id"]}).json()["results"]
        [item] = [one for one in items if one["client_item_id"] == "q2"]
        body = {"base_version": 1, "expected_output": "B"}
        assert client.patch(f"dataset_items/{item['id']}/", json=body).status_code == 200
    story, shapes = Story(repo), Shapes(repo)
    for words in (
        ("log", "rows"),
        ("log", "rows", "-n", "1", "--read"),
        ("show", "rows@1"),
        ("show", "rows", "--files"),
        ("diff", "rows@1", "rows@3"),
        ("diff", "rows@3"),
        ("diff", "rows@2"),
    ):
        story.run(*words)
    story.run("show", "rows@9", exits=1)
    story.run("show", "rows@1", "--path", "DATASET.md", exits=2)
    story.run("restore", "rows", "--version", "1", exits=2)
    shapes.note("a dataset", "log", "rows")
    shapes.note("a dataset", "show", "rows@3")
    shapes.note("a dataset", "diff", "rows@1", "rows@3")
    said = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "YYYY-MM-DD HH:MM", "\n".join(story.said))
    said = re.sub(r"\b[0-9a-f]{10} change", "0123456789 change", said)
    check_text("dataset_versions.txt", steady(said))
    check_shapes("dataset_versions.json", shapes.found)
    assert repo.ok("show", "rows@2").out == repo.read(path)
