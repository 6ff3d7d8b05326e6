"""What differs between the dialects that the server can speak: the table of skills-api.md 11 as two values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One generation of the API. Lengths in characters unless the name says bytes."""

    name: str
    urlconf: str
    """The module with the paths that exist: newer features and the datasets' generation."""

    body_page: int | None
    """How much of a body GET by name shows unless asked; None for all of it (skills-api.md 1.4)."""
    max_description: int
    refuses_long_descriptions: bool
    """Whether a long description that is carried forward is refused as well (skills-api.md 3)."""
    max_files: int
    reserved_names: frozenset[str]
    quotes_reserved_name: bool
    """Whether the refusal quotes what was sent; the seed always quotes ``new`` (skills-api.md 2.4)."""
    bundled_names: frozenset[str]
    has_canonical_paths: bool
    """``\\`` becomes ``/`` and odd paths are refused (skills-api.md 2.5)."""
    has_plain_tools: bool
    """Tools with whitespace inside are refused (skills-api.md 2.6)."""
    has_logical_metadata: bool
    """Owners and tags: a PATCH of these alone makes no version and needs no base (skills-api.md 3)."""
    has_version_descriptions: bool
    protected_metadata: frozenset[str]
    """Keys that a publish does not change on a skill that was seeded (skills-api.md 2.6)."""
    looks_first: bool
    """A missing skill is told before a bad body is (skills-api.md 3)."""
    explains_not_found: bool
    """A 404 carries ``type`` and suggestions (skills-api.md 8)."""
    redirects_ids: bool
    """GET by name leads from the id of a version row to its skill (skills-api.md 6)."""
    has_list_validators: bool
    """Lists have an ETag and answer 304 (skills-api.md 12)."""
    archive_moves_updated_at: bool
    has_category_filters: bool
    successor_prefix: bool
    """``environments`` URLs are served as ``projects`` and say so (platform.md 2)."""

    detail_fields: tuple[str, ...]
    """A detail, in this order; a list item is the same without ``detail_only``."""
    file_fields: tuple[str, ...]
    version_fields: tuple[str, ...]
    summary_fields: tuple[str, ...] = field(init=False)
    """A list item, in this order (skills-api.md 1.3)."""

    def __post_init__(self) -> None:
        """Told once: a list asks for it with every row."""
        summary = tuple(name for name in self.detail_fields if name not in _DETAIL_ONLY)
        object.__setattr__(self, "summary_fields", summary)

    def reserved_name_text(self, value: str) -> str:
        """The refusal of a reserved name."""
        shown = value if self.quotes_reserved_name else "new"
        return f"'{shown}' is a reserved name and cannot be used."

    def too_many_files(self) -> str:
        """Validation text for a list with too many files."""
        return f"A skill may contain at most {self.max_files} files."

    def skill_is_full(self) -> str:
        """Text for one more file than a skill may have (skills-api.md 5)."""
        return f"Skill has reached the maximum of {self.max_files} files."


_DETAIL_ONLY = frozenset({"body_total_length", "body_next_offset", "body", "files"})

SEED = Dialect(
    name="seed",
    urlconf="skillsync.server.urls",
    body_page=None,
    max_description=4096,
    refuses_long_descriptions=False,
    max_files=50,
    reserved_names=frozenset({"new"}),
    quotes_reserved_name=False,
    bundled_names=frozenset(),
    has_canonical_paths=False,
    has_plain_tools=False,
    has_logical_metadata=False,
    has_version_descriptions=False,
    protected_metadata=frozenset(),
    looks_first=False,
    explains_not_found=False,
    redirects_ids=False,
    has_list_validators=False,
    archive_moves_updated_at=False,
    has_category_filters=False,
    successor_prefix=False,
    detail_fields=(
        "id", "name", "description", "body", "license", "compatibility", "allowed_tools",
        "metadata", "files", "outline", "version", "created_by", "created_at", "updated_at",
        "deleted", "is_latest", "latest_version", "version_count", "first_version_created_at",
    ),
    file_fields=("path", "content_type"),
    version_fields=("id", "version", "created_by", "created_at", "is_latest"),
)  # fmt: skip
"""Generation B of the skills API (skills-api.md 0) and G1 of the datasets API (datasets-api.md 2)."""

CURRENT = Dialect(
    name="current",
    urlconf="skillsync.server.urls_current",
    body_page=8000,
    max_description=1024,
    refuses_long_descriptions=True,
    max_files=200,
    reserved_names=frozenset({"new", "scouts", "review-hog", "community"}),
    quotes_reserved_name=True,
    bundled_names=frozenset({"signals-scout-logs", "adding-warehouse-person-properties"}),
    has_canonical_paths=True,
    has_plain_tools=True,
    has_logical_metadata=True,
    has_version_descriptions=True,
    protected_metadata=frozenset({"seeded_by", "canonical_hash", "source"}),
    looks_first=True,
    explains_not_found=True,
    redirects_ids=True,
    has_list_validators=True,
    archive_moves_updated_at=True,
    has_category_filters=True,
    successor_prefix=True,
    detail_fields=(
        "id", "name", "description", "body_total_length", "body_next_offset", "body", "license",
        "compatibility", "allowed_tools", "metadata", "category", "tags", "owners", "files",
        "outline", "spec_problems", "version", "version_description", "created_by", "created_at",
        "updated_at", "deleted", "is_latest", "latest_version", "version_count",
        "first_version_created_at",
    ),
    file_fields=("path", "content_type", "line_count", "char_count", "size", "sha256"),
    version_fields=(
        "id", "version", "version_description", "created_by", "created_at", "is_latest",
    ),
)  # fmt: skip
"""Generation E of the skills API and G2c of the datasets API (datasets-api.md 3)."""

DIALECTS = {dialect.name: dialect for dialect in (SEED, CURRENT)}
