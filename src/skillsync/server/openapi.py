"""``/api/schema/``: what the server speaks, as OpenAPI; made when somebody first asks, not at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse

from skillsync.server.dialects import SEED, Dialect

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_made: dict[str, dict[str, object]] = {}


def serve_schema(request: HttpRequest) -> HttpResponse:
    """The description of the server's dialect, to anybody: nothing in it is a secret."""
    dialect = request.META.get("skillsync.dialect", SEED)
    assert isinstance(dialect, Dialect)
    if dialect.name not in _made:
        # drf-spectacular takes a third of a second to import, and few ever ask.
        from skillsync.server.openapi_schema import describe

        _made[dialect.name] = describe(dialect)
    answer = JsonResponse(_made[dialect.name], json_dumps_params={"ensure_ascii": False})
    answer["Content-Type"] = "application/vnd.oai.openapi+json; charset=utf-8"
    return answer
