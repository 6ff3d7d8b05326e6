"""The rules for names and paths, against independent words for them."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from skillsync.server.dialects import SEED
from skillsync.server.skills_limits import accepted_path, is_looked_up, require_name, size_of


def is_refused(check: object) -> bool:
    assert callable(check)
    try:
        check()
    except ValidationError:
        return True
    return False


@given(st.text(alphabet="abN7-_ é\n", max_size=6) | st.sampled_from(["new", "New", "NEW", "news"]))
def test_a_name_is_lowercase_words_joined_by_single_hyphens(name: str) -> None:
    letters = set(string.ascii_lowercase + string.digits)
    words = name.split("-")
    legal = all(word and set(word) <= letters for word in words) and name != "new"
    assert is_refused(lambda: require_name(name, dialect=SEED)) is not legal


@given(st.text(alphabet="a./\\", max_size=8))
def test_a_path_neither_climbs_nor_starts_at_the_root(path: str) -> None:
    segments = path.replace("\\", "/").split("/")
    legal = ".." not in segments and not path.startswith(("/", "\\"))
    assert is_refused(lambda: accepted_path(path, dialect=SEED)) is not legal
    assert is_looked_up(path) is legal


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_sizes_are_bytes_of_utf_8(text: str) -> None:
    assert size_of(text) == len(text.encode("utf-8"))
