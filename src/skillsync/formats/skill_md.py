"""SKILL.md, the door: reading (re-exported), span edits of an existing file, and new files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from skillsync.errors import InvalidContent
from skillsync.formats.canonical import canonical_text, text_leaves
from skillsync.formats.carry import CARRY_KEY, STANDARD_KEYS
from skillsync.formats.fences import Parts
from skillsync.formats.skill_document import (
    TEXT_KEYS,
    SkillDocument,
    document_extra,
    document_skill,
    key_block,
    key_range,
    parse_skill_md,
    render_skill_md,
    repair_skill_md,
)
from skillsync.formats.spelling import respell
from skillsync.formats.tools_list import has_comma, tool_tokens
from skillsync.formats.yaml_edit import (
    CannotEdit,
    Edit,
    Spelling,
    add_key,
    apply_edits,
    edit_map,
    remove_key,
    same_json,
    set_value,
    set_words,
)
from skillsync.formats.yaml_text import after_key, spell_key
from skillsync.formats.yaml_tree import (
    Map,
    Pair,
    Scalar,
    Sequence,
    YamlTrouble,
    text_value,
    typed_value,
)
from skillsync.model import Extra, Json, Skill

__all__ = [
    "SkillDocument",
    "document_extra",
    "document_skill",
    "edit_skill_md",
    "key_block",
    "key_lines",
    "key_range",
    "new_skill_md",
    "parse_skill_md",
    "render_skill_md",
    "repair_skill_md",
]

_REFUSED = "SKILL.md cannot be rewritten so that it says exactly what was meant"


def edit_skill_md(doc: SkillDocument, *, to: Skill) -> bytes:
    """Return the file with exactly the values of ``to``: only the lines of changed values differ.

    The six standard keys and the body are made equal to ``to``'s; keys outside the standard only if ``to.extra``
    is known. Nothing to change gives the same bytes. Raises InvalidContent when the file must not be rewritten
    (it needs quoting first, or the block has anchors, aliases, merge keys, tags) or when reading the result does
    not give exactly ``to`` (skill-format.md 9).
    """
    if _says(doc, to):
        return render_skill_md(doc)
    if doc.repaired:
        raise _refused(doc, "its frontmatter is no YAML", hint="skillsync fmt")
    reason = ""
    for block in (True, False):  # without literal blocks where the surroundings do not allow them
        try:
            edited = _attempt(doc, to, block=block)
        except (CannotEdit, YamlTrouble, InvalidContent) as error:
            reason = str(error)
            continue
        if edited is not None:
            return edited
    raise _refused(doc, reason or "the values cannot be written")


def _attempt(doc: SkillDocument, to: Skill, *, block: bool) -> bytes | None:
    parts = replace(
        doc.parts, block=apply_edits(doc.parts.block, _block_edits(doc, to, block=block))
    )
    parts = _with_body(parts, to.body, newline=doc.newline)
    data = parts.text.encode()
    found = parse_skill_md(data, path=doc.path)
    kept = same_json(dict(found.extra_keys), dict(doc.extra_keys))
    proven = _says(found, to) and not found.repaired and (to.extra is not None or kept)
    return data if proven else None


def _refused(doc: SkillDocument, reason: str, *, hint: str = "") -> InvalidContent:
    return InvalidContent(
        f"{_REFUSED}: {reason}",
        subject=doc.name,
        path=doc.path,
        unchanged="the file was left as it is",
        hint=hint or "change SKILL.md by hand, then run the command again",
    )


def _says(doc: SkillDocument, to: Skill) -> bool:
    texts = all(canonical_text(getattr(doc, key)) == getattr(to, key) for key in TEXT_KEYS)
    if not texts or doc.name != to.name or canonical_text(doc.body) != to.body:
        return False
    if doc.allowed_tools != tuple(to.allowed_tools):
        return False
    if not same_json(dict(doc.metadata), wanted_metadata(to)):
        return False
    return to.extra is None or same_json(dict(doc.extra_keys), wanted_extra(to.extra))


def wanted_metadata(skill: Skill) -> dict[str, Json]:
    """Return the metadata as a file shows it: text leaves, without our own key."""
    leaves = text_leaves(dict(skill.metadata))
    if not isinstance(leaves, dict):
        raise TypeError("metadata is a mapping")
    return {key: value for key, value in leaves.items() if key != CARRY_KEY}


def wanted_extra(extra: Extra) -> dict[str, Json]:
    """Return the keys outside the standard; a standard key among them is left out."""
    return {key: value for key, value in extra.frontmatter.items() if key not in STANDARD_KEYS}


def _with_body(parts: Parts, body: str, *, newline: str) -> Parts:
    if canonical_text(parts.body) == body:
        return parts
    closing = parts.closing if parts.closing.endswith("\n") else parts.closing + newline
    if parts.body.strip():
        return replace(parts, closing=closing, body=respell(parts.body, body, newline=newline))
    fresh = f"\n{body}\n".replace("\n", newline)
    return replace(parts, closing=closing, body=fresh)


# ---------------------------------------------------------------- the block


def _block_edits(doc: SkillDocument, to: Skill, *, block: bool) -> list[Edit]:
    texts = Spelling(newline=doc.newline, block=block, value_of=text_value)
    typed = replace(texts, value_of=typed_value)
    edits: list[Edit] = []
    for key in STANDARD_KEYS:
        if key in TEXT_KEYS:
            edits += _text_edits(doc, key, getattr(to, key), texts)
        elif key == "metadata":
            edits += _metadata_edits(doc, wanted_metadata(to), texts)
        else:
            edits += _tools_edits(doc, to.allowed_tools, texts)
    if to.extra is not None:
        want = wanted_extra(to.extra)
        edits += edit_map(
            doc.readable, doc.root, want, spelling=typed, owned=lambda key: key not in STANDARD_KEYS
        )
    if edits and doc.tree.unwritable:
        raise CannotEdit(f"the frontmatter holds {doc.tree.unwritable}")
    return edits


def _text_edits(doc: SkillDocument, key: str, want: str, spelling: Spelling) -> list[Edit]:
    if canonical_text(getattr(doc, key)) == want:
        return []
    pair = doc.root.get(key)
    if pair is None:
        return _add(doc, key, want, spelling)
    if not want:
        return remove_key(doc.readable, doc.root, pair)
    return set_value(doc.readable, doc.root, pair, want, spelling=spelling)


def _metadata_edits(doc: SkillDocument, want: Mapping[str, Json], spelling: Spelling) -> list[Edit]:
    if same_json(dict(doc.metadata), dict(want)):
        return []
    pair = doc.root.get("metadata")
    if pair is None:
        return _add(doc, "metadata", dict(want), spelling)
    node = pair.value
    hidden = isinstance(node, Map) and node.get(CARRY_KEY) is not None
    if not want and not hidden:
        return remove_key(doc.readable, doc.root, pair)
    if isinstance(node, Map) and node.pairs:
        return edit_map(
            doc.readable, node, want, spelling=spelling, owned=lambda key: key != CARRY_KEY
        )
    return set_value(doc.readable, doc.root, pair, dict(want), spelling=spelling)


def _tools_edits(doc: SkillDocument, want: tuple[str, ...], spelling: Spelling) -> list[Edit]:
    if doc.allowed_tools == tuple(want):
        return []
    pair = doc.root.get("allowed-tools")
    if pair is None:
        return _add(doc, "allowed-tools", _tools_value(want, " "), spelling)
    if not want:
        return remove_key(doc.readable, doc.root, pair)
    node = pair.value
    if isinstance(node, Sequence) and _one_each(node):
        return set_words(doc.readable, node, want, spelling=spelling)
    if isinstance(node, Sequence):
        return set_value(doc.readable, doc.root, pair, list(want), spelling=spelling)
    comma = isinstance(node, Scalar) and has_comma(node.text)
    value = _tools_value(want, ", " if comma else " ")
    return set_value(doc.readable, doc.root, pair, value, spelling=spelling)


def _one_each(node: Sequence) -> bool:
    """Tell whether every item of a list is exactly one tool, so that items can be kept or dropped by line."""
    return bool(node.items) and all(
        isinstance(item, Scalar) and tool_tokens(item.text) == (item.text,) for item in node.items
    )


def _tools_value(tools: tuple[str, ...], separator: str) -> Json:
    joined = separator.join(tools)
    return joined if tool_tokens(joined) == tuple(tools) else list(tools)


def _add(doc: SkillDocument, key: str, value: Json, spelling: Spelling) -> list[Edit]:
    """Add a standard key after the nearest one before it in the standard's order."""
    if value in ("", [], {}):
        return []
    return add_key(
        doc.readable, doc.root, key, value, spelling=spelling, after=_predecessor(doc.root, key)
    )


def _predecessor(root: Map, key: str) -> Pair | None:
    before = STANDARD_KEYS[: STANDARD_KEYS.index(key)]
    return next((pair for name in reversed(before) if (pair := root.get(name))), None)


# ---------------------------------------------------------------- new text


def new_skill_md(skill: Skill) -> bytes:
    """Return a new SKILL.md: LF, keys in the standard's order, then extra keys, a blank line, the body.

    No flow style but for empty collections, which have no other (skill-format.md 9). Raises InvalidContent when
    reading the result does not give exactly ``skill``.
    """
    values = _values(skill)
    lines = [f"{spell_key(key)}:{_tail(value)}" for key, value in values.items()]
    text = "\n".join(["---", *lines, "---", "", skill.body, ""])
    try:
        data = text.encode()
        proven = _says(parse_skill_md(data, path="SKILL.md"), skill)
    except (InvalidContent, UnicodeEncodeError) as error:
        raise _unwritable(skill, str(error)) from error
    if not proven:
        raise _unwritable(skill, "reading it back gives other values")
    return data


def _unwritable(skill: Skill, reason: str) -> InvalidContent:
    return InvalidContent(f"{_REFUSED}: {reason}", subject=skill.name)


def _values(skill: Skill) -> dict[str, Json]:
    """Return what a file shows for each key, in the order of a new file; absent values are left out."""
    values: dict[str, Json] = {key: getattr(skill, key) for key in TEXT_KEYS}
    values["metadata"] = wanted_metadata(skill)
    values["allowed-tools"] = _tools_value(tuple(skill.allowed_tools), " ")
    values = {key: value for key, value in values.items() if value not in ("", [], {})}
    return values | (wanted_extra(skill.extra) if skill.extra is not None else {})


def _tail(value: Json) -> str:
    return after_key(value, column=0, newline="\n")


def key_lines(key: str, skill: Skill, *, like: SkillDocument | None) -> str:
    """Return the lines one frontmatter key would have for the value in ``skill``; ``""`` when it is absent.

    Written as an edit of ``like`` would write them, so that unchanged lines compare equal; with LF line ends.
    """
    values = _values(skill)
    if key not in values:
        return ""
    if like is not None and (lines := _lines_like(like, key, skill)) is not None:
        return lines.replace("\r\n", "\n")
    return f"{spell_key(key)}:{_tail(values[key])}\n"


def _lines_like(like: SkillDocument, key: str, skill: Skill) -> str | None:
    base = document_skill(like, extra=Extra(frontmatter=like.extra_keys))
    if key in STANDARD_KEYS:
        field = key.replace("-", "_")
        to = replace(base, **{field: getattr(skill, field)})
    else:
        wanted = skill.extra.frontmatter[key] if skill.extra is not None else None
        to = replace(base, extra=Extra(frontmatter={**like.extra_keys, key: wanted}))
    try:
        edited = parse_skill_md(edit_skill_md(like, to=to), path=like.path)
    except InvalidContent:
        return None
    return key_block(edited, key)
