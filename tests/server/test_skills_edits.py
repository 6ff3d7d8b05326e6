"""Edits replace text that occurs exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.server.exceptions import BareError
from skillsync.server.skills_edits import edited_body, edited_file

_text = st.text(alphabet="ab", max_size=8)
_part = st.text(alphabet="ab", min_size=1, max_size=3)


@given(_text, _part, _text)
def test_one_edit_replaces_the_only_occurrence_or_is_refused(text: str, old: str, new: str) -> None:
    edits = [{"old": old, "new": new}]
    parts = text.split(old)
    if len(parts) == 2:
        assert edited_body(text, edits) == new.join(parts)
        assert edited_file(text, edits, path="p") == new.join(parts)
    else:
        with pytest.raises(BareError) as refused:
            edited_body(text, edits)
        assert refused.value.body["edit_index"] == 0


@given(_text, st.lists(st.tuples(_part, _text), max_size=4))
def test_edits_are_applied_in_order(text: str, pairs: list[tuple[str, str]]) -> None:
    edits = [{"old": old, "new": new} for old, new in pairs]
    try:
        together = edited_body(text, edits)
    except BareError as refused:
        index = refused.body["edit_index"]
        assert isinstance(index, int)
        with pytest.raises(BareError):
            edited_body(edited_body(text, edits[:index]), [edits[index]])
        return
    for edit in edits:
        text = edited_body(text, [edit])
    assert together == text
