"""Case-insensitive substring search that means the same on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Lookup, TextField

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

    TextLookup = Lookup[str]
else:
    TextLookup = Lookup  # generic for the type checker only


@CharField.register_lookup
@TextField.register_lookup
class ContainsText(TextLookup):
    """``field__contains_text="part"``: every character is literal; case is that of Unicode.

    SQLite's own LIKE folds ASCII only, so there a function of ours does the comparison
    (``database._register_functions``).
    """

    lookup_name = "contains_text"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """``strpos`` on upper-cased text, for databases that know Unicode."""
        return self._call(compiler, connection, "strpos(upper({}), upper({})) > 0")

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: object
    ) -> tuple[str, Any]:
        """Our own function."""
        return self._call(compiler, connection, "skillsync_contains({}, {})")

    def _call(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, template: str
    ) -> tuple[str, Any]:
        text, text_params = self.process_lhs(compiler, connection)
        part, part_params = self.process_rhs(compiler, connection)
        return template.format(text, part), [*text_params, *part_params]
