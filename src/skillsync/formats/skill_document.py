"""SKILL.md: bytes to a document with values and positions, and back without losing a byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import frontmatter
from frontmatter.default_handlers import YAMLHandler

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text
from skillsync.formats.carry import CARRY_KEY, STANDARD_KEYS
from skillsync.formats.fences import Parts, split_fences
from skillsync.formats.skill_repair import Repair, repair_block
from skillsync.formats.spelling import line_end_of
from skillsync.formats.tools_list import tool_tokens
from skillsync.formats.yaml_edit import CannotEdit, pair_range
from skillsync.formats.yaml_tree import (
    Map,
    Node,
    Scalar,
    Sequence,
    Tree,
    YamlTrouble,
    read_tree,
    scalar_type,
    text_value,
    typed_value,
)
from skillsync.model import Extra, Json, Skill

TEXT_KEYS = ("name", "description", "license", "compatibility")
"""The standard keys whose value is one text."""

_FIX_FENCE = "start the file with a line ---, the keys, and another line ---"


class Unreadable(InvalidContent):
    """A SKILL.md that cannot be read; ``problem`` is the code of the problem to report, ``fix`` what helps.

    ``others`` are further such problems of the same file. ``document`` is what the rest of it says, where that can be
    told: not to be sent or rewritten, but to find out what else is wrong.
    """

    others: tuple[Unreadable, ...] = ()
    document: SkillDocument | None = None

    def __init__(
        self, message: str, *, problem: str, path: str, line: int | None = None, fix: str = ""
    ) -> None:
        super().__init__(message, path=path, line=line, hint=fix)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True, slots=True)
class SkillDocument:
    """A SKILL.md read whole: ``parts`` joined are the file, the values are source texts, not trimmed.

    ``metadata`` has text leaves and never our own key; ``extra_keys`` are the keys outside the standard as JSON;
    ``allowed_tools`` is the exact token list. ``repairs`` not empty: the block is no YAML, and the values are
    those it would have after quoting these lines; such a file is not sent and not rewritten
    (skill-format.md 8). ``readable`` is the block that ``tree`` has positions in.
    """

    path: str
    parts: Parts
    readable: str
    tree: Tree
    name: str
    description: str
    license: str
    compatibility: str
    allowed_tools: tuple[str, ...]
    metadata: Mapping[str, Json]
    extra_keys: Mapping[str, Json]
    repairs: tuple[Repair, ...] = ()

    @property
    def body(self) -> str:
        """The text after the closing fence, raw."""
        return self.parts.body

    @property
    def repaired(self) -> bool:
        """Whether the block could only be read after quoting some lines."""
        return bool(self.repairs)

    @property
    def root(self) -> Map:
        """The frontmatter's mapping."""
        if not isinstance(self.tree.root, Map):  # parse_skill_md has refused anything else
            raise TypeError("the frontmatter is no mapping")
        return self.tree.root

    @property
    def newline(self) -> str:
        """The line end that most lines have."""
        return line_end_of(self.parts.text)

    def line_at(self, offset: int) -> int:
        """Return the 1-based line of the file for a position in the block."""
        return self.parts.first_line + self.readable.count("\n", 0, offset)

    def line_of(self, key: str) -> int | None:
        """Return the 1-based line where a top-level key stands, None if it is not there."""
        pair = self.root.get(key)
        return None if pair is None else self.line_at(pair.key.start)

    @property
    def body_line(self) -> int:
        """The 1-based number of the body's first line."""
        return self.parts.first_line + self.parts.block.count("\n") + 1


# ---------------------------------------------------------------- bytes to a document


def parse_skill_md(data: bytes, *, path: str) -> SkillDocument:
    """Read a SKILL.md; ``path`` is for messages.

    Raises InvalidContent (an Unreadable, with line) when it is not UTF-8, has no fences, is no YAML even after
    quoting, repeats a key, is nested too deeply, or a standard key has a value of the wrong kind
    (skill-format.md 8). Blank or overlong values are not refused here.
    """
    parts = _split(_decode(data, path), path)
    repairs: tuple[Repair, ...] = ()
    readable = parts.block
    try:
        values, tree = _read_values(readable)
    except YamlTrouble as trouble:
        mended = repair_block(readable, first_line=parts.first_line) if trouble.syntax else None
        if mended is None:
            raise _unreadable(trouble, parts, path) from trouble
        readable, repairs = mended
        try:
            values, tree = _read_values(readable)
        except YamlTrouble as other:
            raise _unreadable(other, parts, path) from other
    document, troubles = _document(path, parts, readable, tree, values, repairs)
    _refuse(troubles, document)
    return document


def _refuse(troubles: list[Unreadable], document: SkillDocument) -> None:
    """Raise the first of the troubles, with all it is to know about the others."""
    if troubles:
        troubles.sort(key=lambda one: one.line or 0)
        first, *others = troubles
        first.others, first.document = tuple(others), document
        raise first


def _decode(data: bytes, path: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the file is not UTF-8 (byte {error.start})"
        raise Unreadable(message, problem="E-SKILL-ENCODING", path=path, line=line) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable(
            "the file holds a NUL character", problem="E-SKILL-ENCODING", path=path, line=line
        )
    return text


def _split(text: str, path: str) -> Parts:
    parts = split_fences(text)
    if parts is None:
        opened = text.removeprefix("\ufeff").startswith("---")
        message = (
            "the frontmatter has no closing line ---"
            if opened
            else "the file does not start with a line ---"
        )
        raise Unreadable(message, problem="E-SKILL-FENCE", path=path, line=1, fix=_FIX_FENCE)
    return parts


class _BlockHandler(YAMLHandler):
    """Lets python-frontmatter read the values of the block that we cut; it never sees or returns a body."""

    def __init__(self, block: str) -> None:
        super().__init__()
        self._block = block
        self.tree = Tree(None)

    def split(self, text: str) -> tuple[str, str]:
        """Return the block that was cut already; ``text`` is empty."""
        return self._block, text

    def load(self, fm: str, **_kwargs: object) -> dict[str, Json]:
        """Return the values by key: texts for standard keys, typed JSON for the others."""
        self.tree = read_tree(fm)
        if not isinstance(self.tree.root, Map):
            return {}
        return {pair.key.text: _reader(pair.key.text)(pair.value) for pair in self.tree.root.pairs}


def _reader(key: str) -> Callable[[Node], Json]:
    return text_value if key in STANDARD_KEYS else typed_value


def _read_values(block: str) -> tuple[Mapping[str, object], Tree]:
    handler = _BlockHandler(block)
    values, _ = frontmatter.parse("", handler=handler)
    return values, handler.tree


def _unreadable(trouble: YamlTrouble, parts: Parts, path: str) -> Unreadable:
    """Return the error for a block that YAML, or we, refuse; keys that are repeated keep nothing else from being said."""
    error = _trouble(trouble, parts, path)
    if trouble.tree is not None and isinstance(root := trouble.tree.root, Map):
        values = {pair.key.text: _reader(pair.key.text)(pair.value) for pair in root.pairs}
        document, others = _document(path, parts, parts.block, trouble.tree, values, ())
        repeated = [_trouble(other, parts, path) for other in trouble.others]
        error.others, error.document = (*repeated, *others), document
    return error


def _trouble(trouble: YamlTrouble, parts: Parts, path: str) -> Unreadable:
    line = parts.first_line + parts.block.count("\n", 0, trouble.offset)
    code = "E-SKILL-YAML" if trouble.duplicate is None else "E-SKILL-DUPLICATE-KEY"
    message = f"the frontmatter cannot be read: {trouble.message}"
    return Unreadable(message, problem=code, path=path, line=line)


def _document(
    path: str,
    parts: Parts,
    readable: str,
    tree: Tree,
    values: Mapping[str, object],
    repairs: tuple[Repair, ...],
) -> tuple[SkillDocument, list[Unreadable]]:
    """Return the document, and which of its standard keys have a value of the wrong kind."""
    if not isinstance(tree.root, Map):
        kind = {Scalar: "a text", Sequence: "a list"}.get(type(tree.root), "empty")
        message = f"the frontmatter is {kind}, not a mapping of keys to values"
        raise Unreadable(message, problem="E-SKILL-YAML", path=path, line=parts.first_line)
    nodes = {pair.key.text: pair for pair in tree.root.pairs}
    troubles: list[Unreadable] = []
    for key, pair in nodes.items():
        if trouble := _shape_trouble(key, pair.value):
            line = parts.first_line + readable.count("\n", 0, pair.key.start)
            troubles.append(Unreadable(trouble[1], problem=trouble[0], path=path, line=line))

    def text(key: str) -> str:
        return str(values.get(key, ""))

    document = SkillDocument(
        path=path,
        parts=parts,
        readable=readable,
        tree=tree,
        name=text("name"),
        description=text("description"),
        license=text("license"),
        compatibility=text("compatibility"),
        allowed_tools=_tools(nodes["allowed-tools"].value) if "allowed-tools" in nodes else (),
        metadata=_metadata(nodes["metadata"].value) if "metadata" in nodes else {},
        extra_keys={
            key: _reader(key)(pair.value) for key, pair in nodes.items() if key not in STANDARD_KEYS
        },
        repairs=repairs,
    )
    return document, troubles


def is_null(node: Node) -> bool:
    """Tell whether a value is left out or a plain null."""
    return isinstance(node, Scalar) and not node.style and scalar_type(node.text) == "null"


def _shape_trouble(key: str, node: Node) -> tuple[str, str] | None:
    if key in TEXT_KEYS and not isinstance(node, Scalar):
        return "E-SKILL-FIELD", f"{key} must be one text"
    if key == "metadata" and not isinstance(node, Map) and not is_null(node):
        return "E-SKILL-METADATA", "metadata must be a mapping of keys to values"
    if key == "allowed-tools" and not isinstance(node, Scalar):
        items = node.items if isinstance(node, Sequence) else ()
        if not isinstance(node, Sequence) or not all(isinstance(item, Scalar) for item in items):
            return "E-SKILL-TOOLS", "allowed-tools must be one text or a list of texts"
    return None


def _tools(node: Node) -> tuple[str, ...]:
    if is_null(node):
        return ()
    if isinstance(node, Sequence):
        return tool_tokens(item.text for item in node.items if isinstance(item, Scalar))
    return tool_tokens(node.text) if isinstance(node, Scalar) else ()


def _metadata(node: Node) -> dict[str, Json]:
    if not isinstance(node, Map):
        return {}
    return {
        pair.key.text: text_value(pair.value) for pair in node.pairs if pair.key.text != CARRY_KEY
    }


# ---------------------------------------------------------------- a document to bytes and values


def render_skill_md(doc: SkillDocument) -> bytes:
    """Return the file's bytes: exactly those that were parsed."""
    return doc.parts.text.encode()


def document_skill(
    doc: SkillDocument, *, files: Mapping[str, str] | None = None, extra: Extra | None = None
) -> Skill:
    """Return the canonical content of a document (sync.md 6) with ``files`` and ``extra`` from elsewhere."""
    return Skill(
        name=doc.name,
        description=canonical_text(doc.description),
        body=canonical_text(doc.body),
        license=canonical_text(doc.license),
        compatibility=canonical_text(doc.compatibility),
        allowed_tools=doc.allowed_tools,
        metadata=doc.metadata,
        files=files or {},
        extra=extra,
    )


def document_extra(doc: SkillDocument) -> Extra:
    """Return the part of ``extra`` that SKILL.md holds: keys outside the standard, and an unsendable tool list."""
    spaced = any(any(char.isspace() for char in tool) for tool in doc.allowed_tools)
    return Extra(frontmatter=doc.extra_keys, allowed_tools=doc.allowed_tools if spaced else None)


def key_block(doc: SkillDocument, key: str) -> str | None:
    """Return the source lines of one top-level key, with their line ends; None if it has none of its own."""
    found = key_range(doc, key)
    return None if found is None else doc.readable[slice(*found)]


def key_range(doc: SkillDocument, key: str) -> tuple[int, int] | None:
    """Return where the lines of one top-level key are in ``doc.readable``; None if it has none of its own."""
    pair = doc.root.get(key)
    if pair is None or doc.root.flow:
        return None
    try:
        return pair_range(doc.readable, pair)
    except CannotEdit:
        return None


def repair_skill_md(data: bytes) -> bytes | None:
    """Return the file with the values quoted that YAML cannot read otherwise; None if nothing is to be done.

    The rule of skill-format.md 8.4, for ``skillsync fmt``: only the lines named in the problem change.
    """
    try:
        doc = parse_skill_md(data, path="SKILL.md")
    except InvalidContent:
        return None
    if not doc.repaired:
        return None
    parts = doc.parts
    return (parts.bom + parts.opening + doc.readable + parts.closing + parts.body).encode()
