"""Reads ``DATASET.md``: bytes to a dataset's information and positions, and back without losing a byte."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import frontmatter
from frontmatter.default_handlers import YAMLHandler

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text
from skillsync.formats.fences import Parts, split_fences
from skillsync.formats.spelling import line_end_of
from skillsync.formats.yaml_core import core_value
from skillsync.formats.yaml_tree import Map, Scalar, Tree, YamlTrouble, read_tree
from skillsync.model import DatasetInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillsync.model import Json

MAX_NAME = 400
"""Characters in a dataset's name (datasets-api.md 2.2)."""

OWN_KEY = "skillsync"
"""Our own entry in a dataset's metadata; it never shows in a file (skill-format.md 14.6)."""

OPENING = re.compile(r"\ufeff?---[ \t]*\r?(?:\n|\Z)")
"""What a text with frontmatter starts with."""


@dataclass(frozen=True, slots=True)
class DatasetDocument:
    """A DATASET.md read whole; ``parts`` joined are the file, None when there is no file.

    A file without fences has its text in ``parts.body``. ``others`` are the keys that stay local.
    """

    path: str
    folder_name: str
    info: DatasetInfo
    parts: Parts | None = None
    root: Map | None = None
    others: Mapping[str, Json] | None = None

    @property
    def newline(self) -> str:
        """The line end that most lines have."""
        return "\n" if self.parts is None else line_end_of(self.parts.text)


def parse_dataset_md(data: bytes | None, *, path: str, folder_name: str) -> DatasetDocument:
    """Read a DATASET.md (skill-format.md 14.6); ``data`` None means that there is no file.

    The name is the frontmatter's, else the folder's; the text is the description, trimmed; metadata is typed by
    the core rules of YAML 1.2. Raises InvalidContent with path and line when it is not UTF-8 or no YAML, uses
    anchors or tags, repeats a key, or a value is of the wrong kind or too long.
    """
    if data is None:
        return DatasetDocument(path, folder_name, DatasetInfo(folder_name))
    text = _decoded(data, path)
    parts = split_fences(text)
    if parts is None and OPENING.match(text):
        raise InvalidContent("the frontmatter has no closing line ---", path=path, line=1)
    if parts is None:
        info = DatasetInfo(folder_name, canonical_text(text))
        return DatasetDocument(path, folder_name, info, Parts("", "", "", "", text))
    try:
        return _document(parts, path, folder_name)
    except YamlTrouble as trouble:
        line = parts.first_line + parts.block.count("\n", 0, trouble.offset)
        message = f"the frontmatter cannot be read: {trouble.message}"
        raise InvalidContent(message, path=path, line=line) from trouble


def render_dataset_md(doc: DatasetDocument) -> bytes:
    """Return the file's bytes: exactly those that were parsed; none when there was no file."""
    return b"" if doc.parts is None else doc.parts.text.encode()


# ---------------------------------------------------------------- reading


class _BlockHandler(YAMLHandler):
    """Lets python-frontmatter read the values of the block that we cut; it never sees or returns a body."""

    def __init__(self, block: str) -> None:
        super().__init__()
        self._block = block
        self.tree = Tree(None)
        self.values: dict[str, Json] = {}

    def split(self, text: str) -> tuple[str, str]:
        """Return the block that was cut already; ``text`` is empty."""
        return self._block, text

    def load(self, fm: str, **_kwargs: object) -> dict[str, Json]:
        """Return the values by key, typed by the core schema; they are kept in ``values`` as well."""
        self.tree = read_tree(fm)
        if self.tree.unwritable:
            raise YamlTrouble(f"it holds {self.tree.unwritable}, which is not accepted here", 0)
        root = self.tree.root
        if root is None:
            return {}
        if not isinstance(root, Map):
            raise YamlTrouble("it is not a mapping of keys to values", 0)
        self.values = {pair.key.text: core_value(pair.value) for pair in root.pairs}
        return self.values


def _decoded(data: bytes, path: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidContent("the file is not UTF-8", path=path, line=line) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InvalidContent("the file holds a NUL character", path=path, line=line)
    return text


def _document(parts: Parts, path: str, folder_name: str) -> DatasetDocument:
    handler = _BlockHandler(parts.block)
    frontmatter.parse("", handler=handler)
    root = handler.tree.root if isinstance(handler.tree.root, Map) else None
    name = _name(root) or folder_name
    metadata = handler.values.get("metadata")
    _check_metadata(root, metadata)
    others = {
        key: value for key, value in handler.values.items() if key not in ("name", "metadata")
    }
    info = DatasetInfo(name, canonical_text(parts.body), metadata)
    return DatasetDocument(path, folder_name, info, parts, root, others)


def _name(root: Map | None) -> str:
    pair = root.get("name") if root is not None else None
    if pair is None:
        return ""
    node = pair.value
    if not isinstance(node, Scalar):
        raise YamlTrouble("name must be one text", pair.key.start)
    if not node.style and core_value(node) is None:
        return ""
    name = canonical_text(node.text)
    if len(name) > MAX_NAME:
        raise YamlTrouble(
            f"name has {len(name):,} characters, at most {MAX_NAME} are allowed", pair.key.start
        )
    return name


def _check_metadata(root: Map | None, metadata: Json) -> None:
    pair = root.get("metadata") if root is not None else None
    if pair is None or metadata is None:
        return
    if not isinstance(metadata, dict):
        raise YamlTrouble("metadata must be a mapping of keys to values", pair.key.start)
    if OWN_KEY in metadata:
        raise YamlTrouble(f"{OWN_KEY!r} in the metadata is reserved", pair.key.start)
