"""Errors as answers: the platform's envelope, the bare bodies of the contract, and nothing of our insides."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from exceptions_hog import exception_handler
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.views import set_rollback

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("skillsync.server")


class BareError(Exception):
    """An answer whose body the views make by hand, without ``type`` and ``code`` (skills-api.md 8)."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        super().__init__(body.get("detail"))
        self.status = status
        self.body = body


class RequestTooLarge(APIException):
    """The body is over 20 MB. PostHog's 500 made kind (platform.md 8)."""

    status_code = 413
    default_detail = "Request body exceeds the limit of 20971520 bytes."
    default_code = "request_too_large"
    default_type = "invalid_request"


class DatabaseBusy(APIException):
    """The database could not be reached or stayed locked (platform.md 5)."""

    status_code = 503
    default_detail = "We couldn't reach the database just now. Please try again in a moment."
    default_code = "database_unavailable"
    default_type = "server_error"
    wait = 1


def envelope(kind: str, code: str, detail: str) -> dict[str, object]:
    """The body of an error that no view raised (platform.md 5)."""
    return {"type": kind, "code": code, "detail": detail, "attr": None}


def answer_for(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler: every error becomes an answer."""
    if isinstance(error, BareError):
        set_rollback()
        return Response(error.body, status=error.status)
    if isinstance(error, OperationalError | InterfaceError):
        _log.warning("database: %s", error)
        error = DatabaseBusy()
    elif isinstance(error, SuspiciousOperation):
        error = ParseError()  # such as a form with too many fields
    elif not isinstance(error, APIException | Http404 | PermissionDenied):
        _log.error("unexpected error", exc_info=error)
    answer: Response = exception_handler(error, context)
    header = getattr(error, "auth_header", None)
    if header is not None:
        answer["WWW-Authenticate"] = header
    return answer
