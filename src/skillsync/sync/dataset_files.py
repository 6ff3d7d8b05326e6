"""Brings a foreign file of rows in as a new dataset, and a dataset out as a file that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.errors import ConfigError, InvalidContent, UsageError
from skillsync.formats.dataset_md import dataset_slug, new_dataset_md
from skillsync.formats.field_proposal import FieldMap, Source, mapped_rows, propose_fields
from skillsync.formats.foreign_rows import ForeignRows, open_foreign
from skillsync.formats.jsonl import empty_items
from skillsync.formats.row_export import ExportForm, ExportRow, SeenColumns, export_rows
from skillsync.formats.row_keys import DerivedKeys
from skillsync.formats.row_rewriting import Rewriting
from skillsync.model import Content, DatasetInfo, FileChange, Folder, Key, Row
from skillsync.repo.large import SPOOLS
from skillsync.repo.lock import locked
from skillsync.repo.spool import Spool, nameless_file
from skillsync.sync.checked_lines import check_lines, lines_again
from skillsync.sync.local import DATASET_MD, ITEMS, LocalDataset, join, read_lean_tree
from skillsync.sync.named import in_tree, require_known
from skillsync.sync.workspace import Workspace, chosen
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.formats.row_lines import Line
    from skillsync.model import Large


SHOWN = 3
"""Lines of the new file that are shown before it is written."""


@dataclass(frozen=True)
class ImportRequest:
    """What the user asked for. ``shown`` is the file's path as it was given; ``name`` None: the file's own."""

    file: Path
    shown: str
    name: str | None = None
    mapping: Mapping[str, Source] | None = None
    drop: Sequence[str] = ()


@dataclass(frozen=True)
class Imported:
    """A dataset that could be written: its folder, its file with the ``first`` of its lines, and how they came about."""

    name: str
    dir: str
    foreign: ForeignRows
    fields: FieldMap
    content: Content
    first: tuple[bytes, ...]
    new_keys: int

    @property
    def slug(self) -> str:
        """The folder's own name."""
        return self.dir.rsplit("/", 1)[-1]


def plan_import(
    workspace: Workspace, request: ImportRequest, *, new_key: Callable[[], str]
) -> Imported:
    """Read the file and return the dataset that it makes, without writing anything.

    Its names are our own, or those that skillsync.toml sets for the new folder. A row without an id gets ``new_key()``,
    or the derived one where that is set. Raises InvalidContent naming file and line, UsageError where something stands
    in the way.
    """
    if not workspace.settings.datasets:
        raise ConfigError(
            "skillsync.toml names no folder for datasets", hint='datasets = ["datasets"]'
        )
    name = (request.name or request.file.stem).strip()
    folder = _free_folder(workspace, name)
    try:
        with request.file.open("rb") as stream:
            store = Spool(workspace.repo.state_dir / SPOOLS)
            foreign = open_foreign(stream, store, path=request.shown)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise UsageError(f"there is no file {request.shown}") from error
    fields = propose_fields(foreign, given=request.mapping or {}, drop=request.drop)
    options = workspace.settings.options_for(folder.rsplit("/", 1)[-1])
    empty = empty_items(
        join(folder, ITEMS),
        mapping=options.fields or None,
        keys=options.keys,
        limits=options.limits,
    )
    keys = _NewKeys(foreign, fields, new_key, derived=options.keys == "content")
    first: list[bytes] = []

    def lines() -> Iterator[bytes]:
        for line in Rewriting(empty, "current", added=keys.rows(), is_strict=True).pieces():
            if len(first) < SHOWN:
                first.append(line)
            yield line

    try:
        content = workspace.content_of(lines())
    except InvalidContent as error:
        if error.path != empty.path:
            raise  # about a line of the file that is read
        # A row is a line of the new file; what the user can mend is the line that it came from.
        raise foreign.wrong((error.line or 1) - 1, error.message, hint=error.hint) from error
    return Imported(name, folder, foreign, fields, content, tuple(first), keys.new)


def _free_folder(workspace: Workspace, name: str) -> str:
    """Return the folder of a new dataset. Raises UsageError when there is something already: nothing is overwritten."""
    root = workspace.settings.datasets[0]
    try:
        slug = dataset_slug(name, id="", taken=())
        new_dataset_md(DatasetInfo(name))
    except InvalidContent as error:
        raise UsageError(
            f"{name!r} cannot be a dataset's name: {error.message}", hint="--name NAME"
        ) from error
    above = workspace.repo.root / root
    there = [path.name for path in above.iterdir()] if above.is_dir() else []
    if slug.casefold() in {one.casefold() for one in there}:
        raise UsageError(
            f"{join(root, slug)} is there already, and nothing is imported over it",
            hint=f"--name OTHER, or move {join(root, slug)} away first",
        )
    return join("" if root == "." else root, slug)


class _NewKeys:
    """Gives each row of a foreign file its key, and counts those that are new: derived ones are not."""

    def __init__(
        self, foreign: ForeignRows, fields: FieldMap, new_key: Callable[[], str], *, derived: bool
    ) -> None:
        self._foreign = foreign
        self._fields = fields
        self._new_key = new_key
        self._derived: DerivedKeys | None = None
        self.new = 0
        if derived:
            self._derived = DerivedKeys(key for key, _ in mapped_rows(foreign, fields) if key)

    def rows(self) -> Iterator[Row]:
        """Yield the rows. Raises InvalidContent with the line of one that cannot be."""
        for key, fields in mapped_rows(self._foreign, self._fields):
            if key is None and self._derived is not None:
                key = self._derived.next_key(fields)
            elif key is None:
                key = Key(self._new_key())
                self.new += 1
            yield Row(key, fields)


def write_import(workspace: Workspace, planned: Imported) -> None:
    """Write the new folder. Raises LocalChanged when it came to be in the meantime."""
    with locked(workspace.repo.state_dir, command="dataset import"):
        _free_folder(workspace, planned.name)
        changes = [
            FileChange(DATASET_MD, None, new_dataset_md(DatasetInfo(planned.name))),
            FileChange(ITEMS, None, planned.content),
        ]
        folder = Folder(planned.dir, ())
        Writer(workspace).write(planned.slug, folder, changes, (), reason="dataset import")


def export_dataset(workspace: Workspace, name: str, form: ExportForm) -> tuple[int, Iterator[str]]:
    """Return how many rows a dataset of the working tree has, and the pieces of its file (``export_rows``).

    Raises UsageError when no dataset, or several, go by that name, InvalidContent when its rows cannot be read.
    """
    dataset = _one_dataset(workspace, name)
    if dataset.comparable is not None and form == "jsonl":
        return _export_lines(workspace, dataset, dataset.comparable)
    rows = _Exported(dataset, form)
    return rows.count, export_rows(rows, form, rows.columns)


def _export_lines(
    workspace: Workspace, dataset: LocalDataset, large: Large
) -> tuple[int, Iterator[str]]:
    """Go through a large file once: what comes of it waits in a nameless file until all of it is known to be right."""
    file = nameless_file(workspace.repo.state_dir / SPOOLS)
    count = 0

    def look(line: Line) -> None:
        nonlocal count
        if line.fields is not None:
            count += 1
            file.writelines(piece.encode() for piece in export_rows([_exported(line)], "jsonl"))

    check_lines(dataset, large, look)
    _ = dataset.document
    file.seek(0)
    return count, (line.decode() for line in file)


class _Exported:
    """The rows of a valid dataset, as often as somebody goes through them; those of a large file are not held."""

    def __init__(self, dataset: LocalDataset, form: ExportForm) -> None:
        self._dataset = dataset
        self._large = dataset.comparable
        self.count = 0
        self.columns = SeenColumns(form)
        if self._large is not None:
            check_lines(dataset, self._large, self._see)
        elif dataset.problem is not None:
            raise dataset.problem
        else:
            for line in dataset.items.lines:
                self._see(line)
        _ = dataset.document

    def _see(self, line: Line) -> None:
        if line.fields is not None:
            self.count += 1
            self.columns.see(line.fields)

    def __iter__(self) -> Iterator[ExportRow]:
        lines: Iterable[Line] = (
            lines_again(self._dataset, self._large)
            if self._large is not None
            else self._dataset.items.lines
        )
        return (_exported(line) for line in lines if line.fields is not None)


def _exported(line: Line) -> ExportRow:
    return line.row.key if line.row else None, line.fields or {}


def write_new(path: Path, pieces: Iterable[str], *, shown: str) -> None:
    """Write a file that was not there, as UTF-8, whole or not at all. Raises UsageError where it cannot be made."""
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            try:
                file.writelines(pieces)
            except BaseException:
                path.unlink()
                raise
    except FileExistsError as error:
        raise UsageError(
            f"{shown} is there already", hint="name a file that is not there yet"
        ) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{shown} cannot be made: its folder is not there") from error


def _one_dataset(workspace: Workspace, name: str) -> LocalDataset:
    tree = read_lean_tree(workspace)
    require_known(workspace, [name], in_tree(tree), where="here")
    found = [
        dataset
        for dataset in tree.datasets
        if chosen(
            [name],
            name=dataset.slug,
            directory=dataset.dir,
            root=workspace.repo.root,
            start=workspace.start,
        )
    ]
    if len(found) != 1:
        what = "several datasets" if found else "no dataset"
        raise UsageError(f"{name!r} is {what}", hint="name one, such as datasets/NAME")
    return found[0]
