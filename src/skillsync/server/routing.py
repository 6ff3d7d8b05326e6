"""Leads a request to the paths of its dialect, and ``environments`` to ``projects`` where that is newer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.conf import settings
from django.urls import Resolver404, resolve

from skillsync.server.dialects import SEED

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_OLD_PREFIX = re.compile(r"\A/api/environments/")


def by_dialect(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """Django middleware: the first one, as it decides which paths exist."""

    def answer(request: HttpRequest) -> HttpResponse:
        dialect = request.META.get("skillsync.dialect", SEED)
        request.urlconf = dialect.urlconf
        if _is_for_admin(request.path_info):
            request.urlconf = "skillsync.server.urls_admin"
            return get_response(request)
        if not dialect.successor_prefix or not _OLD_PREFIX.match(request.path_info):
            return get_response(request)
        successor = _OLD_PREFIX.sub("/api/projects/", request.path_info)
        if not _exists(successor, dialect.urlconf):
            return get_response(request)
        request.path_info = request.path = successor
        response = get_response(request)
        query = request.META.get("QUERY_STRING", "")
        link = quote(successor, safe="/@") + (f"?{query}" if query else "")
        response["Deprecation"] = "true"
        response["Link"] = f'<{link}>; rel="successor-version"'
        return response

    return answer


def _is_for_admin(path: str) -> bool:
    return path.startswith("/admin/") and "django.contrib.admin" in settings.INSTALLED_APPS


def _exists(path: str, urlconf: str) -> bool:
    try:
        resolve(path, urlconf)
    except Resolver404:
        return False
    return True
