"""A forge's refusals in the words of our contract."""

from __future__ import annotations

import json

import pytest

from skillsync.api.answers import Asked, Raw, read_answer
from skillsync.errors import (
    BadAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RemoteError,
    Throttled,
)
from skillsync.forge.refusals import translate

JSON = {"content-type": "application/json; charset=utf-8"}


def raised(status: int, body: object, **headers: str) -> RemoteError:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = Raw(status, {**JSON, **shown}, json.dumps(body).encode())
    with pytest.raises(RemoteError) as error:
        read_answer(
            Asked("POST", "/x"), translate(raw, 1_000.0), hide=lambda text: text, now=1_000.0
        )
    return error.value


@pytest.mark.parametrize(
    ("status", "headers", "kind", "pause"),
    [
        (403, {}, NotAllowed, None),
        (403, {"x_ratelimit_remaining": "12"}, NotAllowed, None),
        (403, {"retry_after": "30"}, Throttled, 30.0),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1041"}, Throttled, 42.0),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1"}, Throttled, 1.0),
        (403, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "-5"}, Throttled, None),
        (429, {"retry_after": "7"}, Throttled, 7.0),
        (429, {}, Throttled, None),
        (404, {"retry_after": "7"}, NotFound, None),
        (401, {}, NotAuthenticated, None),
    ],
)  # fmt: skip
def test_what_a_refusal_means(
    status: int, headers: dict[str, str], kind: type[RemoteError], pause: float | None
) -> None:
    error = raised(status, {"message": "In the forge's words"}, **headers)
    assert type(error) is kind
    assert "In the forge's words" in error.message
    assert getattr(error, "retry_after", None) == pause


def test_a_page_is_no_answer_and_other_words_do_no_harm() -> None:
    assert isinstance(raised(403, ["x"]), NotAllowed)
    assert isinstance(raised(403, {"message": {"a": 1}}), NotAllowed)
    page = Raw(404, {"content-type": "text/html"}, b"<html>")
    with pytest.raises(BadAnswer):
        read_answer(Asked("GET", "/x"), translate(page, 0.0), hide=lambda text: text, now=0.0)
    fine = Raw(200, JSON, b'{"message": "x"}')
    assert translate(fine, 0.0) is fine
