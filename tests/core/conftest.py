"""The line merger that every merge test uses: git itself, in a repository of its own."""

from __future__ import annotations

import pytest

from skillsync.core.merge import TextMerge, TextMerger
from skillsync.repo.git import Repository


@pytest.fixture(scope="session")
def merge_text(tmp_path_factory: pytest.TempPathFactory) -> TextMerger:
    """Return (base, local, remote) → what ``git merge-file`` makes of them."""
    repository = Repository.init(tmp_path_factory.mktemp("merge"))

    def merge(base: str, local: str, remote: str) -> TextMerge:
        return repository.merge_file(local, base, remote)

    return merge
