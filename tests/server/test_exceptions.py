"""Failures of our own still answer in the platform's envelope, and show nothing of our insides."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from django.db import InterfaceError, OperationalError
from django.http import Http404

from skillsync.server.exceptions import BareError, answer_for
from tests.server.facts import error

if TYPE_CHECKING:
    import httpx


def test_an_unexpected_error_is_logged_and_answered_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, logger="skillsync.server"):
        answer = answer_for(RuntimeError("the password is x"), {})
    assert answer.status_code == 500
    assert answer.data == {
        "type": "server_error",
        "code": "error",
        "detail": "A server error occurred.",
        "attr": None,
    }
    assert "the password is x" in caplog.text


@pytest.mark.parametrize(
    "failure", [OperationalError("database is locked"), InterfaceError("the connection is closed")]
)
def test_a_database_that_does_not_answer_is_a_503_to_be_retried(failure: Exception) -> None:
    answer = answer_for(failure, {})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert answer.data == {
        "type": "server_error",
        "code": "database_unavailable",
        "detail": "We couldn't reach the database just now. Please try again in a moment.",
        "attr": None,
    }


def test_a_bare_error_is_answered_as_it_is() -> None:
    answer = answer_for(BareError(409, {"detail": "x", "current_version": 2}), {})
    assert (answer.status_code, answer.data) == (409, {"detail": "x", "current_version": 2})


def test_a_form_with_too_many_fields_is_a_400(client: httpx.Client) -> None:
    answer = client.post("datasets", data={f"f{number}": "x" for number in range(1001)})
    assert error(answer, 400)["code"] == "parse_error"


def test_an_object_not_found_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert answer_for(Http404("secret"), {}).data["detail"] == "Not found."
    assert caplog.text == ""
