"""A key stays out of everything that is printed, logged or stored (P15)."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.api.secret import Secret, redact
from skillsync.errors import ConfigError

CANARY = "phx_CANARYcanaryCANARY0123456789abcd"


def test_every_way_to_text_is_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    logging.getLogger("test").warning("%s %r", secret, {"key": secret})
    texts = [str(secret), repr(secret), f"{secret}", f"{secret!r:>80}", "%s" % secret, caplog.text]  # noqa: UP031  # one of the ways to print
    texts += [repr([secret]), str({"a": secret}), secret.masked]
    assert all("canary" not in text.lower() for text in texts)
    assert secret.masked == "phx_…abcd"
    assert secret.reveal() == CANARY


def test_it_is_neither_pickled_nor_json_nor_copied() -> None:
    secret = Secret(CANARY)
    for attempt in (pickle.dumps, json.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            attempt(secret)
        assert "CANARY" not in str(caught.value)
    assert not hasattr(secret, "__dict__")


def test_a_short_key_shows_nothing_of_itself() -> None:
    assert Secret("abcdefgh").masked == "…"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "   ",
        f"{CANARY}\n",
        f"{CANARY}\r\nX-Evil: 1",
        f"{CANARY} ",
        f"phx_ {CANARY}",
        f"\t{CANARY}",
        f'"{CANARY}"',
        f"'{CANARY}'",
        f"“{CANARY}”",
        f"{CANARY}\x00",
        f"{CANARY}\x1b[2J",
        f"{CANARY}é",
        f"{CANARY}\u2028",
        f"{CANARY}\u200b",
    ],
)
def test_what_cannot_be_a_key_is_refused_without_printing_it(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secret(value, source="the variable X")
    assert "the variable X" in caught.value.message
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


@given(st.text(max_size=12))
def test_any_text_is_a_key_fit_for_a_header_or_refused(value: str) -> None:
    try:
        secret = Secret(value)
    except ConfigError:
        return
    assert secret.reveal() == value
    assert value.isascii()
    assert value.isprintable()
    assert " " not in value


def test_equal_keys_are_equal() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert len({Secret(CANARY), Secret(CANARY), Secret("phx_other_0123456789")}) == 2
    assert Secret(CANARY) != CANARY


def test_redact_removes_keys_by_their_look_and_by_having_been_seen() -> None:
    seen = "old0style0key0without0prefix"
    Secret(seen)
    text = f"a {seen} b phx_NeverSeen123 c pha_token12345 d Authorization: Bearer abc.def https://me:pw@host/x"
    clean = redact(text)
    assert clean == "a *** b phx_*** c pha_*** d Authorization: Bearer *** https://***@host/x"
    assert redact("nothing to hide") == "nothing to hide"
