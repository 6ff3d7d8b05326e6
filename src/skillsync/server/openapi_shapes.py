"""How answers look, as JSON schemas: skills, datasets and items of a dialect, pages, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skillsync.server.dialects import Dialect

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
NUMBER: Shape = {"type": "integer"}
TRUTH: Shape = {"type": "boolean"}
UUID: Shape = {"type": "string", "format": "uuid"}
TIME: Shape = {"type": "string", "format": "date-time"}
ANY: Shape = {}
OBJECT: Shape = {"type": "object"}


def _or_null(shape: Shape) -> Shape:
    return {**shape, "nullable": True}


def _list(shape: Shape) -> Shape:
    return {"type": "array", "items": shape}


def _all(fields: Mapping[str, Shape]) -> Shape:
    """An object that has every one of the fields, and perhaps more."""
    return {"type": "object", "properties": dict(fields), "required": list(fields)}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


PERSON = _all(
    {
        "id": NUMBER,
        "uuid": UUID,
        "distinct_id": TEXT,
        "first_name": TEXT,
        "last_name": TEXT,
        "email": TEXT,
        "is_email_verified": _or_null(TRUTH),
        "hedgehog_config": ANY,
        "role_at_organization": _or_null(TEXT),
    }
)
ERROR: Shape = {
    "type": "object",
    "description": "The envelope, or a bare body with `detail` and what belongs to it.",
    "properties": {"type": TEXT, "code": TEXT, "detail": TEXT, "attr": _or_null(TEXT)},
    "required": ["detail"],
}
_FILE: Shape = {
    "path": TEXT,
    "content_type": TEXT,
    "line_count": _or_null(NUMBER),
    "char_count": _or_null(NUMBER),
    "size": _or_null(NUMBER),
    "sha256": _or_null(TEXT),
}
_SKILL: Shape = {
    "id": UUID,
    "name": TEXT,
    "description": TEXT,
    "body_total_length": NUMBER,
    "body_next_offset": _or_null(NUMBER),
    "body": TEXT,
    "license": TEXT,
    "compatibility": TEXT,
    "allowed_tools": _list(TEXT),
    "metadata": OBJECT,
    "category": TEXT,
    "tags": _list(TEXT),
    "owners": _list(PERSON),
    "outline": _list(_all({"level": {"type": "integer", "minimum": 1, "maximum": 6}, "text": TEXT})),
    "spec_problems": _list(_all({"code": TEXT, "message": TEXT, "file_path": _or_null(TEXT)})),
    "version": {"type": "integer", "minimum": 1},
    "version_description": _or_null(TEXT),
    "created_by": _or_null(PERSON),
    "created_at": TIME,
    "updated_at": TIME,
    "deleted": TRUTH,
    "is_latest": TRUTH,
    "latest_version": NUMBER,
    "version_count": NUMBER,
    "first_version_created_at": TIME,
}  # fmt: skip
_OWNED: Shape = {"created_at": TIME, "updated_at": TIME, "created_by": _or_null(PERSON)}


def shapes_of(dialect: Dialect) -> dict[str, Shape]:
    """Every named shape of a dialect."""
    fields = {**_SKILL, "files": _list(_all(_chosen(_FILE, dialect.file_fields)))}
    skills = {
        "Skill": _all(_chosen(fields, dialect.detail_fields)),
        "SkillSummary": _all(_chosen(fields, dialect.summary_fields)),
        "SkillVersion": _all(_chosen(fields, dialect.version_fields)),
        "SkillFile": _all({"path": TEXT, "content": TEXT, "content_type": TEXT}),
        "ResolvedSkill": _all(
            {"skill": _ref("Skill"), "versions": _list(_ref("SkillVersion")), "has_more": TRUTH}
        ),
        "SkillPage": _page("SkillSummary"),
        "Key": OBJECT,
        "Me": OBJECT,
    }
    return {**skills, **(_VERSIONED if dialect.has_version_descriptions else _PLAIN)}


def _chosen(fields: Mapping[str, Shape], names: Iterable[str]) -> dict[str, Shape]:
    return {name: fields[name] for name in names}


def _page(name: str) -> Shape:
    link = _or_null({"type": "string", "format": "uri"})
    return _all({"count": NUMBER, "next": link, "previous": link, "results": _list(_ref(name))})


_PLAIN: dict[str, Shape] = {
    "Dataset": _all(
        {
            "id": UUID,
            "name": TEXT,
            "description": _or_null(TEXT),
            "metadata": ANY,
            "deleted": _or_null(TRUTH),
            "team": NUMBER,
            **_OWNED,
        }
    ),
    "DatasetItem": _all(
        {
            "id": UUID,
            "dataset": UUID,
            "input": ANY,
            "output": ANY,
            "metadata": ANY,
            "ref_trace_id": _or_null(TEXT),
            "ref_timestamp": _or_null(TIME),
            "ref_source_id": _or_null(TEXT),
            "deleted": _or_null(TRUTH),
            "team": NUMBER,
            **_OWNED,
        }
    ),
    "DatasetPage": _page("Dataset"),
    "DatasetItemPage": _page("DatasetItem"),
}
"""Datasets of G1 (datasets-api.md 2.1)."""

_VERSIONED: dict[str, Shape] = {
    "Dataset": _all(
        {
            "id": UUID,
            "name": TEXT,
            "description": TEXT,
            "metadata": OBJECT,
            "archived": TRUTH,
            "current_revision": _or_null(NUMBER),
            "current_revision_id": _or_null(UUID),
            "team_id": NUMBER,
            "user_access_level": TEXT,
            **_OWNED,
        }
    ),
    "DatasetItem": _all(
        {
            "id": UUID,
            "dataset": UUID,
            "client_item_id": _or_null(TEXT),
            "version": NUMBER,
            "version_id": UUID,
            "dataset_revision": NUMBER,
            "dataset_revision_id": UUID,
            "archived": TRUTH,
            "input": ANY,
            "expected_output": ANY,
            "source_output": ANY,
            "metadata": OBJECT,
            "source_trace_id": _or_null(TEXT),
            "source_event_id": _or_null(TEXT),
            "source_timestamp": _or_null(TIME),
            "version_created_at": TIME,
            "version_created_by": _or_null(PERSON),
            "team_id": NUMBER,
            **_OWNED,
        }
    ),
    "AccessControls": _all(
        {
            "access_controls": _list(_ref("AccessControl")),
            "available_access_levels": _list(TEXT),
            "default_access_level": TEXT,
            "user_access_level": TEXT,
        }
    ),
    "AccessControl": _all({"access_level": TEXT, "organization_member": UUID, **_OWNED}),
    "DatasetRevision": _all(
        {
            "id": UUID,
            "dataset_id": UUID,
            "revision": NUMBER,
            "created_at": TIME,
            "created_by": _or_null(PERSON),
            "team_id": NUMBER,
        }
    ),
    "DatasetExport": _all(
        {
            "id": NUMBER,
            "status": TEXT,
            "dataset_revision": NUMBER,
            "filename": TEXT,
            "created_at": TIME,
            "expires_after": TIME,
            "exception": _or_null(TEXT),
        }
    ),
    "DatasetPage": _page("Dataset"),
    "DatasetItemPage": _page("DatasetItem"),
    "DatasetRevisionPage": _page("DatasetRevision"),
    "SkillMarkdown": _all({"name": TEXT, "version": NUMBER, "content": TEXT, "frontmatter": OBJECT}),
    "SkillMatches": _all({"count": NUMBER, "results": _list(OBJECT)}),
    "SkillTags": _all({"tags": _list(TEXT)}),
}  # fmt: skip
"""Datasets of G2 (datasets-api.md 3.1), and what the newest skills add (skills-api.md 1)."""
