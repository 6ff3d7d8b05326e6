"""The index of bad inputs (sync.md 14.6): each number has a test or a reason why it has none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
NUMBERS = range(1, 150, 2)

_CASE = re.compile(r'\bBad\(\s*"(\d{1,3})"')
_IN_TEXT = re.compile(r"14\.6[^\"]*")
_NUMBER = re.compile(r"#(\d{1,3})\b")
_IN_TABLE = re.compile(r'"(\d{1,3}) [a-z]')

REASONS = {
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
    assert (number in numbered) + (number in REASONS) == 1
