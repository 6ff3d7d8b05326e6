"""Limit/offset pages of 100 without a maximum (platform.md 7)."""

from __future__ import annotations

from rest_framework.pagination import LimitOffsetPagination


class Paging(LimitOffsetPagination):
    """Bad values never fail: they mean the default. Links are absolute and follow the request's host."""

    default_limit = 100
    max_limit = 2**31 - 1
    """Not a cap that anybody meets: the largest number every database takes as LIMIT."""
