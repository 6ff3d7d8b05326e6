"""Spells values as YAML: plain where every reader agrees, else quoted, else a literal block."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from skillsync.formats.yaml_tree import scalar_type
from skillsync.model import Json

_FIRST_REFUSED = set("-?:,[]{}#&*!|>'\"%@`=~.")
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
_CORE_OTHER = re.compile(
    r"(?:null|true|false|[yn]|yes|no|on|off"
    r"|[-+]?[0-9][0-9_]*|0o[0-7_]+|0x[0-9a-f_]+|0b[01_]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9_]*)?)(?:e[-+]?[0-9]+)?"
    r"|[-+]?\.inf|\.nan|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)\Z",
    re.IGNORECASE,
)


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Tell whether ``text`` unquoted reads back as the same text in YAML 1.1 and 1.2 (skill-format.md 9)."""
    if not text or text != text.strip() or text[0] in _FIRST_REFUSED:
        return False
    if "\n" in text or "\t" in text or _UNPRINTABLE.search(text):
        return False
    if ": " in text or text.endswith(":") or " #" in text:
        return False
    if flow and any(sign in text for sign in ",[]{}:"):
        return False
    return scalar_type(text) == "str" and not _CORE_OTHER.match(text)


def is_literal(text: str) -> bool:
    """Tell whether a literal block gives back ``text``: no control characters, no odd first or last line."""
    if not text or text[0].isspace() or text.endswith("\n\n"):
        return False
    last = text.removesuffix("\n").rpartition("\n")[2]
    return bool(last.strip()) and not _UNPRINTABLE.search(text)


def quoted(text: str) -> str:
    """Spell ``text`` as a JSON string that is valid YAML, Unicode left readable."""
    spelled = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", spelled)


def literal(text: str, *, indent: int, newline: str, comment: str = "") -> str:
    """Spell ``text`` as a literal block without the line end after its last line."""
    header = "|" if text.endswith("\n") else "|-"
    pad = " " * indent
    lines = text.removesuffix("\n").split("\n")
    body = newline.join(pad + line if line else "" for line in lines)
    return f"{header}{comment}{newline}{body}"


def spell(
    text: str, *, style: str = "", indent: int, newline: str, flow: bool = False, block: bool = True
) -> str:
    """Spell a text in the style it had (``""`` plain), as skill-format.md 9 says.

    ``indent`` is the column of a literal block's lines; ``block`` False leaves no room for one.
    """
    several = "\n" in text
    if block and not flow and (several or style in {"|", ">"}) and is_literal(text):
        return literal(text, indent=indent, newline=newline)
    if style == "'" and not several and not _UNPRINTABLE.search(text):
        return "'" + text.replace("'", "''") + "'"
    if style == "" and is_plain(text, flow=flow):
        return text
    return quoted(text)


def spell_key(key: str, *, flow: bool = False) -> str:
    """Spell a mapping's key."""
    return key if is_plain(key, flow=flow) and ":" not in key and "#" not in key else quoted(key)


def spell_leaf(
    value: Json, *, indent: int, newline: str, flow: bool = False, block: bool = True
) -> str:
    """Spell a scalar of any JSON type so that ``typed_value`` gives it back."""
    if isinstance(value, str):
        return spell(value, indent=indent, newline=newline, flow=flow, block=block)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    if value.is_integer():
        return str(int(value))
    return f"{mantissa}{'' if '.' in mantissa else '.0'}e{exponent}"


def flow_text(value: Json) -> str:
    """Spell any value on one line, strings quoted where needed."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{spell_key(k, flow=True)}: {flow_text(v)}" for k, v in value.items())
        return "{" + inside + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    return spell_leaf(value, indent=0, newline="\n", flow=True)


def after_key(value: Json, *, column: int, newline: str, block: bool = True) -> str:
    """Return what follows ``key:`` in a block mapping whose keys stand in ``column``: no final line end.

    Collections are written in block style; an empty one, which has none, as ``{}`` or ``[]``.
    """
    if isinstance(value, Mapping | list | tuple):
        if not value or not block:
            return " " + flow_text(value)
        return newline + newline.join(_lines(value, column + 2, newline))
    return " " + spell_leaf(value, indent=column + 2, newline=newline, block=block)


def _lines(
    value: Mapping[str, Json] | list[Json] | tuple[Json, ...], column: int, newline: str
) -> list[str]:
    pad = " " * column
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            lines.append(f"{pad}{spell_key(key)}:{after_key(item, column=column, newline=newline)}")
        return lines
    for item in value:
        if isinstance(item, dict | list) and item:
            nested = _lines(item, column + 2, newline)
            lines.append(f"{pad}- {nested[0][column + 2 :]}")
            lines += nested[1:]
        else:
            lines.append(f"{pad}-{after_key(item, column=column, newline=newline)}")
    return lines
