"""What the tests of decisions share: git as the line merger, and the name for what holds whatever the values are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

from skillsync.core.merge import TextMerge, TextMerger
from skillsync.repo.git import Repository

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what holds for all values as a law: `make laws` tries each with many more of them."""
    for item in items:
        if item.path.parent == HERE and is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.law)


@pytest.fixture(scope="session")
def merge_text(tmp_path_factory: pytest.TempPathFactory) -> TextMerger:
    """Return (base, local, remote) → what ``git merge-file`` makes of them; it is asked once for the same three."""
    repository = Repository.init(tmp_path_factory.mktemp("merge"))

    @lru_cache(maxsize=100_000)
    def merge(base: str, local: str, remote: str) -> TextMerge:
        return repository.merge_file(local, base, remote)

    return merge
