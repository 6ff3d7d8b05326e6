"""The index of bad inputs (sync.md 14.6): each number has a test or a reason why it has none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NUMBERS = range(1, 150, 2)

_CASE = re.compile(r'\bBad\(\s*"(\d{1,3})"')
_IN_TEXT = re.compile(r"14\.6[^\"]*")
_NUMBER = re.compile(r"#(\d{1,3})\b")
_IN_TABLE = re.compile(r'"(\d{1,3}) [a-z]')

NAMED = {
    85: (
        "integration/test_bad_answers.py",
        "test_a_detail_that_cannot_be_believed_changes_nothing",
    ),
    87: ("api/test_transport.py", "test_broken_framing_is_an_error"),
    89: ("api/test_transport.py", "test_an_endless_body_stops_at_the_cap"),
    91: (
        "integration/test_bad_answers.py",
        "test_a_list_that_cannot_be_believed_ends_the_run_with_nothing_written",
    ),
    95: ("integration/test_bad_answers.py", "test_the_others_go_on_and_so_does_the_next_run"),
    99: (
        "integration/test_bad_answers.py",
        "test_a_push_over_an_answer_that_cannot_be_believed_writes_nothing",
    ),
    111: ("api/test_transport.py", "test_no_redirect_is_followed_anywhere"),
    113: (
        "api/test_transport.py",
        "test_nobody_listening_is_unreachable_and_nothing_was_written",
    ),
    115: (
        "api/test_transport.py",
        "test_a_server_that_drips_hits_the_deadline_of_the_whole_exchange",
    ),
    117: ("integration/test_faults.py", "test_a_push_in_trouble_loses_nothing"),
    119: ("api/test_transport.py", "test_trouble_with_tls_is_named_and_not_tried_again"),
    147: ("formats/test_secret_text.py", "test_each_kind_is_named_with_its_line"),
    149: ("sync/test_doctor.py", "test_the_clocks_are_compared"),
}
"""Numbers whose tests do not bear them: file and name of one."""

REASONS = {
    39: "the styles of editors matter to a daemon that publishes what is saved; there is none yet",
    121: "the client speaks HTTP/1.1 and asks for no upgrade, so no GOAWAY can reach it",
    123: "a machine that slept or moved sees its connection reset or its deadline passed: #115, #117",
}


def _bear_their_number() -> set[int]:
    """Return the numbers that stand in the tests: in a docstring beside 14.6, or in a table of cases."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text()
        if path == Path(__file__) or "14.6" not in text:
            continue
        found.update(_CASE.findall(text), _IN_TABLE.findall(text))
        for words in _IN_TEXT.findall(text):
            found.update(_NUMBER.findall(words))
    return {int(number) for number in found}


@pytest.fixture(scope="module")
def numbered() -> set[int]:
    return _bear_their_number()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_bad_input_has_a_test_or_a_reason(number: int, numbered: set[int]) -> None:
    assert (number in numbered) + (number in NAMED) + (number in REASONS) == 1


@pytest.mark.parametrize("number", NAMED)
def test_a_named_test_is_there(number: int) -> None:
    path, name = NAMED[number]
    tree = ast.parse((TESTS / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
