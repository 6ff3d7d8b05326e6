"""Limit/offset pages: 100 without a maximum, and the smaller ones of the newer datasets (platform.md 7)."""

from __future__ import annotations

from rest_framework.pagination import LimitOffsetPagination


class Paging(LimitOffsetPagination):
    """Bad values never fail: they mean the default. Links are absolute and follow the request's host."""

    default_limit = 100
    max_limit = 2**31 - 1
    """Not a cap that anybody meets: the largest number every database takes as LIMIT."""


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
