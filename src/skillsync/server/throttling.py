"""Answers 429 to a key that asks too often, where that is limited (platform.md 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.throttling import BaseThrottle

from skillsync.server.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

    from skillsync.server.windows import Rates, Throttle


class PerKey(BaseThrottle):
    """Django REST framework's hook. Runs after key, scope and project, so 401 and 403 cost nothing."""

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the request may pass."""
        windows: Throttle | None = request.META.get("skillsync.throttle")
        rates: Rates = getattr(view, "rates", ())
        if windows is None or not rates or not isinstance(request.auth, ApiKey):
            return True
        self._wait = windows.wait(request.auth.digest, rates)
        return self._wait is None

    def wait(self) -> float | None:
        """Seconds until a request will pass, for ``Retry-After``."""
        return self._wait
