"""What each view takes and answers, as a table for the OpenAPI description; the views know nothing of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from skillsync.server import datasets_input, skills_input, skills_queries, versioned_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.server.dialects import Dialect

Kind = type[serializers.Serializer[Any]]
Key = tuple[str, str, str]
"""Module, class, method."""

_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one view. Errors that every request may meet are not listed."""

    answers: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Status to shape and media type; a shape of ``""`` is text."""
    empty: tuple[int, ...] = ()
    """Statuses without a body."""
    body: Kind | None = None
    partial: bool = False
    upload: bool = False
    query: tuple[Kind, ...] = ()
    errors: tuple[int, ...] = ()
    names_verb: bool = False
    """The class serves several paths: the last word of the path goes into the operation's id."""


class Pages(serializers.Serializer[Any]):
    """``limit`` and ``offset``: bad values mean the default (platform.md 7)."""

    limit = serializers.IntegerField(required=False)
    offset = serializers.IntegerField(required=False)


class SkillOrder(serializers.Serializer[Any]):
    """List parameters of skills that every dialect has."""

    search = serializers.CharField(required=False)
    order_by = serializers.CharField(required=False)


class DatasetList(serializers.Serializer[Any]):
    """List parameters of the seed's datasets."""

    search = serializers.CharField(required=False)
    order_by = serializers.CharField(required=False)
    id__in = serializers.CharField(required=False)


class OfDataset(serializers.Serializer[Any]):
    """The list parameter of the seed's items."""

    dataset = serializers.UUIDField(required=False)


class IdList(serializers.Serializer[Any]):
    """``id__in`` of the newer datasets."""

    id__in = serializers.CharField(required=False)


def _told(shape: str, status: int = 200, kind: str = _JSON) -> dict[int, tuple[str, str]]:
    return {status: (shape, kind)}


def operations_of(dialect: Dialect) -> Mapping[Key, Operation]:
    """Every operation of the dialect, by module and name of its view, and method."""
    rows = {**_ACCOUNT, **_SKILLS}
    if dialect.body_page is not None:
        paged = Operation(
            answers=_told("Skill"), query=(skills_queries.BodyPageQuery,), empty=(302,)
        )
        rows["skills_views", "SkillDetail", "GET"] = paged
        rows["skills_views", "SkillList", "GET"] = Operation(
            answers=_told("SkillPage"),
            query=(Pages, SkillOrder, skills_queries.ListQuery),
            empty=(304,),
        )
    return {**rows, **(_NEWER if dialect.has_version_descriptions else _PLAIN)}


_ACCOUNT: dict[Key, Operation] = {
    ("account_views", "Me", "GET"): Operation(answers=_told("Me")),
    ("account_views", "CurrentKey", "GET"): Operation(answers=_told("Key")),
}

_SKILLS: dict[Key, Operation] = {
    ("skills_views", "SkillList", "GET"): Operation(answers=_told("SkillPage"), query=(Pages, SkillOrder)),
    ("skills_views", "SkillList", "POST"): Operation(answers=_told("Skill", 201), body=skills_input.CreateInput),
    ("skills_views", "SkillDetail", "GET"): Operation(answers=_told("Skill"), query=(skills_queries.VersionQuery,)),
    ("skills_views", "SkillDetail", "PATCH"): Operation(answers=_told("Skill"), body=skills_input.PublishInput, errors=(409,)),
    ("skills_views", "SkillResolve", "GET"): Operation(answers=_told("ResolvedSkill"), query=(skills_queries.ResolveQuery,)),
    ("skills_views", "SkillArchive", "POST"): Operation(empty=(204,)),
    ("skills_views", "SkillDuplicate", "POST"): Operation(answers=_told("Skill", 201), body=skills_input.NewNameInput),
    ("skills_file_views", "SkillFiles", "POST"): Operation(answers=_told("Skill", 201), body=skills_input.AddFileInput, errors=(409,)),
    ("skills_file_views", "SkillFilesRename", "POST"): Operation(answers=_told("Skill"), body=skills_input.RenameFileInput, errors=(409,)),
    ("skills_file_views", "SkillFileDetail", "GET"): Operation(answers=_told("SkillFile"), query=(skills_queries.VersionQuery,)),
    ("skills_file_views", "SkillFileDetail", "DELETE"): Operation(answers=_told("Skill"), query=(skills_queries.BaseVersionQuery,), errors=(409,)),
}  # fmt: skip

_PLAIN: dict[Key, Operation] = {
    ("datasets_views", "DatasetList", "GET"): Operation(answers=_told("DatasetPage"), query=(Pages, DatasetList)),
    ("datasets_views", "DatasetList", "POST"): Operation(answers=_told("Dataset", 201), body=datasets_input.DatasetInput),
    ("datasets_views", "DatasetDetail", "GET"): Operation(answers=_told("Dataset")),
    ("datasets_views", "DatasetDetail", "PATCH"): Operation(answers=_told("Dataset"), body=datasets_input.DatasetInput, partial=True),
    ("datasets_views", "DatasetDetail", "PUT"): Operation(answers=_told("Dataset"), body=datasets_input.DatasetInput),
    ("datasets_views", "DatasetDetail", "DELETE"): Operation(empty=(405,)),
    ("datasets_views", "ItemList", "GET"): Operation(answers=_told("DatasetItemPage"), query=(Pages, OfDataset)),
    ("datasets_views", "ItemList", "POST"): Operation(answers=_told("DatasetItem", 201), body=datasets_input.ItemInput),
    ("datasets_views", "ItemDetail", "GET"): Operation(answers=_told("DatasetItem")),
    ("datasets_views", "ItemDetail", "PATCH"): Operation(answers=_told("DatasetItem"), body=datasets_input.ItemInput, partial=True),
    ("datasets_views", "ItemDetail", "PUT"): Operation(answers=_told("DatasetItem"), body=datasets_input.ItemInput),
    ("datasets_views", "ItemDetail", "DELETE"): Operation(empty=(405,)),
}  # fmt: skip

_NEWER: dict[Key, Operation] = {
    ("skills_extra_views", "SkillRename", "POST"): Operation(answers=_told("Skill"), body=skills_input.NewNameInput),
    ("skills_extra_views", "SkillMarkdown", "GET"): Operation(answers=_told("SkillMarkdown"), query=(skills_queries.VersionQuery,)),
    ("skills_extra_views", "SkillSearch", "GET"): Operation(answers=_told("SkillMatches"), query=(skills_queries.SearchQuery,)),
    ("skills_extra_views", "SkillTags", "GET"): Operation(answers=_told("SkillTags")),
    ("skills_extra_views", "SkillImport", "POST"): Operation(answers=_told("Skill", 201), upload=True),
    ("skills_extra_views", "SkillExport", "GET"): Operation(answers=_told("", kind="application/zip"), query=(skills_queries.VersionQuery,)),
    ("versioned_views", "DatasetList", "GET"): Operation(answers=_told("DatasetPage"), query=(Pages, versioned_input.DatasetsQuery, IdList)),
    ("versioned_views", "DatasetList", "POST"): Operation(answers=_told("Dataset", 201), body=versioned_input.DatasetInput, errors=(409,)),
    ("versioned_views", "DatasetDetail", "GET"): Operation(answers=_told("Dataset")),
    ("versioned_views", "DatasetDetail", "PATCH"): Operation(answers=_told("Dataset"), body=versioned_input.DatasetInput, partial=True, errors=(409,)),
    ("versioned_views", "DatasetArchiving", "POST"): Operation(answers=_told("Dataset"), names_verb=True),
    ("versioned_access_views", "AccessControls", "GET"): Operation(answers=_told("AccessControls")),
    ("versioned_access_views", "AccessControls", "PUT"): Operation(answers=_told("AccessControl"), body=versioned_input.GrantInput),
    ("versioned_views", "RevisionList", "GET"): Operation(answers=_told("DatasetRevisionPage"), query=(Pages,)),
    ("versioned_views", "ItemList", "GET"): Operation(answers=_told("DatasetItemPage"), query=(Pages, versioned_input.ItemsQuery)),
    ("versioned_views", "ItemList", "POST"): Operation(answers={200: ("DatasetItem", _JSON), 201: ("DatasetItem", _JSON)}, body=versioned_input.ItemInput, errors=(409,)),
    ("versioned_views", "ItemDetail", "GET"): Operation(answers=_told("DatasetItem"), query=(versioned_input.RevisionQuery,)),
    ("versioned_views", "ItemDetail", "PATCH"): Operation(answers=_told("DatasetItem"), body=versioned_input.ItemChange, errors=(409,)),
    ("versioned_views", "ItemArchive", "POST"): Operation(answers=_told("DatasetItem"), body=versioned_input.ArchiveInput, errors=(409,)),
    ("versioned_views", "ItemRestore", "POST"): Operation(answers=_told("DatasetItem"), body=versioned_input.RestoreInput, errors=(409,)),
    ("versioned_views", "VersionList", "GET"): Operation(answers=_told("DatasetItemPage"), query=(Pages,)),
    ("versioned_exports", "ExportList", "POST"): Operation(answers=_told("DatasetExport", 201), body=versioned_input.ExportInput, errors=(409,)),
    ("versioned_exports", "ExportDetail", "GET"): Operation(answers=_told("DatasetExport")),
    ("versioned_exports", "ExportContent", "GET"): Operation(answers=_told("", kind="application/x-ndjson"), errors=(409,)),
}  # fmt: skip
