"""Limit/offset pages: 100 without a maximum, and the smaller ones of the newer datasets (platform.md 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from rest_framework.pagination import LimitOffsetPagination

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request
    from rest_framework.views import APIView

    from skillsync.server.prepared import Prepared

T = TypeVar("T")


class Paging(LimitOffsetPagination):
    """Bad values never fail: they mean the default. Links are absolute and follow the request's host."""

    default_limit = 100
    max_limit = 2**31 - 1
    """Not a cap that anybody meets: the largest number every database takes as LIMIT."""

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """The page. A first page that holds everything is its own count, and nothing is counted."""
        limit = self.get_limit(request)
        if self.get_offset(request) or not limit:
            return super().paginate_queryset(queryset, request, view)
        rows = list(queryset[: limit + 1])
        self.request, self.limit, self.offset = request, limit, 0
        self.count = len(rows) if len(rows) <= limit else self.get_count(queryset)
        return rows[:limit]

    def first_page(
        self, request: Request, rows: Prepared[T], all_rows: Callable[[], Any], **values: object
    ) -> list[T] | None:
        """The page, where the first is asked for; None for another. ``all_rows`` are the same, to be counted."""
        limit = self.get_limit(request)
        if self.get_offset(request) or not limit:
            return None
        found = rows.first_rows(limit + 1, **values)
        self.request, self.limit, self.offset = request, limit, 0
        self.count = len(found) if len(found) <= limit else self.get_count(all_rows())
        return found[:limit]


class DatasetPages(Paging):
    """The newer datasets and their revisions (datasets-api.md 3.2)."""

    default_limit = 50
    max_limit = 100


class ItemPages(Paging):
    """The newer items (datasets-api.md 3.3)."""

    default_limit = 10
    max_limit = 25


class VersionPages(Paging):
    """The versions of an item (datasets-api.md 3.3)."""

    default_limit = 25
    max_limit = 100
