"""Brings a foreign file of rows in as a new dataset, and a dataset out as a file that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.errors import ConfigError, InvalidContent, UsageError
from skillsync.formats.dataset_md import dataset_slug, new_dataset_md
from skillsync.formats.field_proposal import FieldMap, Source, mapped_rows, propose_fields
from skillsync.formats.foreign_rows import ForeignRows, read_foreign
from skillsync.formats.jsonl import append_rows, empty_items, render_items
from skillsync.formats.row_export import ExportForm, export_rows
from skillsync.formats.row_keys import DerivedKeys
from skillsync.model import DatasetInfo, FileChange, Folder, Key, Row
from skillsync.repo.lock import locked
from skillsync.sync.local import DATASET_MD, ITEMS, LocalDataset, join, read_tree
from skillsync.sync.named import in_tree, require_known
from skillsync.sync.workspace import Workspace, chosen
from skillsync.sync.writing import Writer

if TYPE_CHECKING:
    from skillsync.formats.jsonl import ItemsFile
    from skillsync.model import Json


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
    """A dataset that could be written: its folder, the rows as they will stand in its file, and how they came about."""

    name: str
    dir: str
    foreign: ForeignRows
    fields: FieldMap
    items: ItemsFile
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
        data = request.file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise UsageError(f"there is no file {request.shown}") from error
    foreign = read_foreign(data, path=request.shown)
    fields = propose_fields(foreign, given=request.mapping or {}, drop=request.drop)
    options = workspace.settings.options_for(folder.rsplit("/", 1)[-1])
    rows = mapped_rows(foreign, fields)
    empty = empty_items(
        join(folder, ITEMS),
        mapping=options.fields or None,
        keys=options.keys,
        limits=options.limits,
    )
    keyed = list(_with_keys(rows, new_key, derived=options.keys == "content"))
    try:
        items = append_rows(empty, keyed, spelling="current")
    except InvalidContent as error:
        # A row is a line of the new file; what the user can mend is the line that it came from.
        raise foreign.wrong((error.line or 1) - 1, error.message, hint=error.hint) from error
    new_keys = 0 if options.keys == "content" else sum(key is None for key, _ in rows)
    return Imported(name, folder, foreign, fields, items, new_keys)


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


def _with_keys(
    rows: Sequence[tuple[Key | None, dict[str, Json]]], new_key: Callable[[], str], *, derived: bool
) -> Iterator[Row]:
    keys = DerivedKeys(key for key, _ in rows if key is not None)
    for key, fields in rows:
        if key is None:
            key = keys.next_key(fields) if derived else Key(new_key())
        yield Row(key, fields)


def write_import(workspace: Workspace, planned: Imported) -> None:
    """Write the new folder. Raises LocalChanged when it came to be in the meantime."""
    with locked(workspace.repo.state_dir, command="dataset import"):
        _free_folder(workspace, planned.name)
        changes = [
            FileChange(DATASET_MD, None, new_dataset_md(DatasetInfo(planned.name))),
            FileChange(ITEMS, None, render_items(planned.items)),
        ]
        folder = Folder(planned.dir, ())
        Writer(workspace).write(planned.slug, folder, changes, (), reason="dataset import")


def export_dataset(workspace: Workspace, name: str, form: ExportForm) -> tuple[int, Iterator[str]]:
    """Return how many rows a dataset of the working tree has, and the pieces of its file (``export_rows``).

    Raises UsageError when no dataset, or several, go by that name, InvalidContent when its rows cannot be read.
    """
    dataset = _one_dataset(workspace, name)
    if dataset.problem is not None:
        raise dataset.problem
    rows = [
        (line.row.key if line.row else None, line.fields)
        for line in dataset.items.lines
        if line.fields is not None
    ]
    return len(rows), export_rows(rows, form)


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
    tree = read_tree(workspace)
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
