"""Statements that Django compiles once per connection: for what nearly every request asks.

Compiling a query takes Django several times as long as SQLite takes to answer it. A statement here is written as
any other query set, with a ``Slot`` wherever a value differs from run to run; the objects that come back are the
usual ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression
from django.db.models import query as queries
from django.db.models.sql import InsertQuery, UpdateQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, Model, QuerySet
    from django.db.models.sql.compiler import SQLCompiler

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class Slot(Expression):
    """The place of a value that is given when the statement runs, of the kind that ``field`` keeps."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_: object) -> Any:
        """A placeholder, with the slot itself where its value belongs."""
        return "%s", [self]


class Prepared(Generic[T]):
    """A query. ``rows``, ``first`` and ``first_rows`` take the value of every slot by name."""

    def __init__(self, query_set: Callable[[], QuerySet[Any, T]]) -> None:
        """``query_set`` is asked once per connection; it has slots and is never run itself."""
        self._query_set = query_set

    def rows(self, **values: object) -> list[T]:
        """What the query set would yield."""
        return self._run("", [], values)

    def first(self, **values: object) -> T | None:
        """The first row, or None."""
        return next(iter(self.rows(**values)), None)

    def first_rows(self, count: int, **values: object) -> list[T]:
        """The first so many rows of a query set that has no limit of its own."""
        return self._run(" LIMIT %s", [count], values)

    def _run(self, end: str, more: list[int], values: dict[str, object]) -> list[T]:
        connection = connections["default"]
        plan = _kept(connection, self, self._plan)
        with connection.cursor() as cursor:
            cursor.execute(plan.sql + end, [*plan.bound(connection, values), *more])
            found: list[T] = plan.read(connection, cursor.fetchall())
            return found

    def _plan(self, connection: BaseDatabaseWrapper) -> _Reading:
        return _Reading(self._query_set().query.get_compiler(connection=connection))


class PreparedUpdate:
    """An UPDATE; ``run`` takes the value of every slot by name."""

    def __init__(self, query_set: Callable[[], QuerySet[Any, Any]], **changes: object) -> None:
        """Which rows, and what becomes of them: literal values or expressions."""
        self._query_set = query_set
        self._changes = changes

    def run(self, **values: object) -> int:
        """Change the rows; how many there were."""
        connection = connections["default"]
        plan = _kept(connection, self, self._plan)
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, plan.bound(connection, values))
            changed: int = cursor.rowcount
            return changed

    def _plan(self, connection: BaseDatabaseWrapper) -> _Statement:
        query: Any = self._query_set().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        return _Statement(query.get_compiler(connection=connection))


def insert_row(row: M) -> M:
    """What ``row.save(force_insert=True)`` does, for a row that brings its primary key; IntegrityError as there.

    Returns the row.
    """
    connection = connections["default"]
    fields = row._meta.local_concrete_fields

    def plan(connection: BaseDatabaseWrapper) -> str:
        query = InsertQuery(type(row))
        query.insert_values(fields, [row], raw=False)
        [(sql, _)] = query.get_compiler(connection=connection).as_sql()
        return str(sql)

    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_kept(connection, type(row), plan), values)
    row._state.adding = False
    row._state.db = connection.alias
    return row


class _Statement:
    """SQL and its parameters, slots among them."""

    def __init__(self, compiler: SQLCompiler) -> None:
        self.sql, parameters = compiler.as_sql()
        self._parameters: list[Any] = list(parameters)

    def bound(self, connection: BaseDatabaseWrapper, values: dict[str, object]) -> list[Any]:
        """The parameters, with a value for each slot."""
        return [
            slot.output_field.get_db_prep_value(values[slot.name], connection)
            if isinstance(slot, Slot)
            else slot
            for slot in self._parameters
        ]


class _Reading(_Statement):
    """A SELECT, and how its rows become objects (or tuples, after ``values_list``)."""

    def __init__(self, compiler: SQLCompiler) -> None:
        super().__init__(compiler)
        columns = compiler.select
        expressions = [column[0] for column in columns]
        self._converters = list(compiler.get_converters(expressions).items())
        self._info: Any = None if compiler.query.values_select else compiler.klass_info
        if self._info is not None:
            selected = self._info["select_fields"]
            self._own = slice(selected[0], selected[-1] + 1)
            self._names = [expression.target.attname for expression in expressions[self._own]]
            populators: Any = queries.get_related_populators  # typed for a later Django
            self._related = populators(self._info, columns, "default")
            self._annotated: dict[str, int] = compiler.annotation_col_map

    def read(self, connection: BaseDatabaseWrapper, rows: Sequence[Any]) -> list[Any]:
        """The rows as the query set would give them."""
        return list(self._objects(self._converted(connection, rows)))

    def _converted(
        self, connection: BaseDatabaseWrapper, rows: Sequence[Any]
    ) -> Iterator[list[Any]]:
        for row in map(list, rows):
            for position, (converters, expression) in self._converters:
                for convert in converters:
                    row[position] = convert(row[position], expression, connection)
            yield row

    def _objects(self, rows: Iterator[list[Any]]) -> Iterator[Any]:
        if self._info is None:
            yield from map(tuple, rows)
            return
        make = self._info["model"].from_db
        for row in rows:
            made = make("default", self._names, row[self._own])
            for related in self._related:
                related.populate(row, made)
            for name, position in self._annotated.items():
                setattr(made, name, row[position])
            yield made


def _kept(connection: BaseDatabaseWrapper, what: object, make: Callable[[Any], Any]) -> Any:
    """What was made for the connection; plans end with it, as they hold on to it."""
    plans = vars(connection).setdefault("skillsync_plans", {})
    plan = plans.get(what)
    if plan is None:
        plan = plans[what] = make(connection)
    return plan
