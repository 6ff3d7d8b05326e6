"""Makes the OpenAPI description of a dialect with drf-spectacular, from the paths, the serializers and a table."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.urls import path as django_path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from skillsync import __version__
from skillsync.server.openapi_operations import Operation, operations_of
from skillsync.server.openapi_shapes import ERROR, shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.urls import URLPattern
    from rest_framework.serializers import Serializer

    from skillsync.server.dialects import Dialect

_COMMON = (400, 401, 403, 404, 406, 413, 429, 503)
"""Errors that any request below a project may meet (platform.md 5)."""


def describe(dialect: Dialect) -> dict[str, Any]:
    """The whole document. Deterministic; it needs no database."""
    patterns = [simple for pattern in _patterns(dialect) for simple in simplified(pattern)]
    generator: Any = _Generator(dialect, patterns=patterns)
    with GENERATOR_STATS.silence():
        made: dict[str, Any] = generator.get_schema(public=True)
    made["info"] = {
        "title": "skillsync server",
        "version": __version__,
        "description": f"Skills and datasets of an LLM project, in the dialect `{dialect.name}`.",
    }
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update({**shapes_of(dialect), "Error": ERROR})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return made


def _patterns(dialect: Dialect) -> Sequence[URLPattern]:
    patterns = import_module(dialect.urlconf).urlpatterns
    return [pattern for pattern in patterns if hasattr(pattern.callback, "cls")]


def simplified(pattern: URLPattern) -> Iterator[Any]:
    """The pattern without its regular expression: both prefixes as one, alternatives one by one."""
    text = str(pattern.pattern).removeprefix("^").removesuffix(r"/?\Z")
    text = text.replace("(?:projects|environments)", "projects").replace("(?s:.+)", ".+")
    choice = re.search(r"\(\?P<\w+>(\w+(?:\|\w+)+)\)", text)
    for word in choice[1].split("|") if choice else [""]:
        one = text.replace(choice[0], word) if choice else text
        one = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<str:\1>", one)
        yield django_path(one + "/", pattern.callback)


class _Generator(SchemaGenerator):
    """Gives every view our way of describing it, without touching the view."""

    def __init__(self, dialect: Dialect, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._operations = operations_of(dialect)
        self._dialect = dialect

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        """The view, described by the table's row for it; KeyError when there is none."""
        view = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        row = self._operations[(type(view).__module__.rpartition(".")[2], type(view).__name__, method)]  # fmt: skip
        self._set_schema_to_view(view, _Described(row, self._dialect))  # type: ignore[no-untyped-call]
        self.schemas_storage[-1].view = view
        return view


class _Described(AutoSchema):
    """Describes one view's method by its row."""

    def __init__(self, row: Operation, dialect: Dialect) -> None:
        super().__init__()
        self._row = row
        self._dialect = dialect

    def get_operation_id(self) -> str:
        """Such as ``patch_skill_detail``."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self.view).__name__).lower()
        verb = self.path.strip("/").rpartition("/")[2] if self._row.names_verb else ""
        return "_".join(filter(None, [self.method.lower(), words, verb]))

    def get_tags(self) -> list[str]:
        """The scope's object."""
        return [getattr(self.view, "scope_object", None) or "account"]

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular calls it
        """The first line of the method's docstring."""
        return str(getattr(self.view, self.method.lower()).__doc__).partition("\n")[0]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """A personal API key."""
        return [{"key": []}]

    def get_override_parameters(self) -> list[Any]:
        """The query."""
        return [self._made(kind) for kind in self._row.query]

    def get_request_serializer(self) -> Any:
        """The body."""
        if self._row.upload:
            binary = {"type": "string", "format": "binary"}
            form = {"type": "object", "properties": {"file": binary}, "required": ["file"]}
            return {"multipart/form-data": form}
        return None if self._row.body is None else self._made(self._row.body)

    def get_response_serializers(self) -> Any:
        """Each status with its shape."""
        empty = dict.fromkeys(self._row.empty)
        errors = {*_COMMON, *self._row.errors} | ({415} if self._row.body or self._row.upload else set())  # fmt: skip
        error = {"$ref": "#/components/schemas/Error"}
        shaped: dict[Any, Any] = {
            (status, kind): {"$ref": f"#/components/schemas/{shape}"} if shape else {"type": "string"}
            for status, (shape, kind) in self._row.answers.items()
        }  # fmt: skip
        return {**shaped, **empty, **{(status, "application/json"): error for status in sorted(errors)}}  # fmt: skip

    def _made(self, kind: type[Serializer[Any]]) -> Serializer[Any]:
        context = {"dialect": self._dialect, "project": None}
        return kind(context=context, partial=self._row.partial)
