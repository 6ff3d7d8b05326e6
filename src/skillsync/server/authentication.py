"""Who asks: personal API keys sent as ``Authorization: Bearer phx_…``."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import CharField
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from skillsync.server.models import ApiKey, User
from skillsync.server.prepared import Prepared, Slot

if TYPE_CHECKING:
    from rest_framework.request import Request

_BEARER = re.compile(r"Bearer\s+(\S.+)")
_USE_IS_NOTED_EVERY = timedelta(hours=1)
_VALID_KEY = Prepared(
    lambda: ApiKey.objects.select_related("user").filter(
        digest=Slot("digest", CharField()), user__is_active=True, revoked_at=None
    )
)


class BearerAuthentication(BaseAuthentication):
    """platform.md 3: the scheme is case-sensitive; anything else counts as no credentials."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The user and key of the header; None without one; AuthenticationFailed when it is not valid."""
        match = _BEARER.fullmatch(request.META.get("HTTP_AUTHORIZATION", ""))
        if match is None:
            return None
        key = _VALID_KEY.first(digest=key_digest(match[1].strip()))
        if key is None:
            raise AuthenticationFailed(
                "Personal API key found in request Authorization header is invalid."
            )
        _note_use(key)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # the framework's signature
        """The ``WWW-Authenticate`` of a 401."""
        return "Bearer"


def key_digest(value: str) -> str:
    """What is stored of a key. Keys are long and random, so one SHA-256 is enough."""
    return hashlib.sha256(value.encode()).hexdigest()


def new_key_value() -> str:
    """A fresh key: ``phx_`` and 43 characters of 256 random bits."""
    return "phx_" + secrets.token_urlsafe(32)


def mask(value: str) -> str:
    """The part of a key that may be shown: ``phx_...wxyz``."""
    return f"{value[:4]}...{value[-4:]}"


def _note_use(key: ApiKey) -> None:
    """Refresh ``last_used_at`` at most hourly (platform.md 9), so that reads stay reads."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _USE_IS_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        key.last_used_at = now
