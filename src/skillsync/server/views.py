"""The base of every view, and the answers given when no view is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.http import JsonResponse
from rest_framework.views import APIView

from skillsync.server.dialects import SEED, Dialect
from skillsync.server.exceptions import RequestTooLarge, envelope
from skillsync.server.permissions import READING
from skillsync.server.quotas import Quota
from skillsync.server.validation import accepted
from skillsync.server.windows import DEFAULT_RATES, Rates

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request
    from rest_framework.serializers import Serializer

    from skillsync.server.models import Project, User

MAX_BODY_BYTES = 20 * 1024 * 1024


class ApiView(APIView):
    """A view that knows its scope, the project of the URL, the caller, and the dialect it speaks."""

    scope_object: ClassVar[str | None] = None
    """``llm_skill``, ``dataset`` or ``user``; None when any valid key will do."""

    reading: ClassVar[frozenset[str]] = READING
    """The methods for which the read scope is enough."""

    rates: ClassVar[Rates] = DEFAULT_RATES
    """How often a key may ask, where that is limited; empty for as often as it likes."""

    refuses_unmapped: ClassVar[bool] = False
    """Whether a method without a handler is a 403 for keys and not a 405 (datasets-api.md 3.10)."""

    project: Project
    """Set by the permission check of URLs that name a project."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that the application was made for."""
        dialect = self.request.META.get("skillsync.dialect", SEED)
        assert isinstance(dialect, Dialect)
        return dialect

    @property
    def quota(self) -> Quota:
        """How much the newer datasets may hold."""
        quota = self.request.META.get("skillsync.quota", Quota())
        assert isinstance(quota, Quota)
        return quota

    @property
    def caller(self) -> User:
        """The owner of the key; every view is behind the permission check."""
        return cast("User", self.request.user)  # what BearerAuthentication returned

    def accept(
        self, kind: type[Serializer[Any]], data: Any, *, partial: bool = False
    ) -> dict[str, Any]:
        """The validated input; ValidationError (400) otherwise."""
        return accepted(kind, data, dialect=self.dialect, project=self.project, partial=partial)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check key, scope and project, then the size of the body, in the order of platform.md 4."""
        super().initial(request, *args, **kwargs)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise RequestTooLarge


def endpoint_not_found(
    request: HttpRequest,
    exception: Exception | None = None,
    **_: object,
) -> JsonResponse:
    """404 for a path that no view serves: a missing feature, not a missing object (platform.md 2)."""
    body = envelope("invalid_request", "not_found", "Endpoint not found.")
    return JsonResponse(body, status=404)


def bad_request(
    request: HttpRequest,
    exception: Exception | None = None,
) -> JsonResponse:
    """400 for a request that Django refuses before any view."""
    return JsonResponse(envelope("invalid_request", "error", "Bad request."), status=400)


def server_error(request: HttpRequest) -> JsonResponse:
    """500 for a failure outside every view."""
    return JsonResponse(envelope("server_error", "error", "A server error occurred."), status=500)
