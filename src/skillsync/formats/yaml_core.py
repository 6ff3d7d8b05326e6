"""Types YAML scalars by the core schema of YAML 1.2: ``no``, ``on`` and dates are texts, ``1e3`` is a number."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from skillsync.formats.yaml_tree import Scalar, Sequence, YamlTrouble

if TYPE_CHECKING:
    from skillsync.formats.yaml_tree import Node
    from skillsync.model import Json

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_DECIMAL = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_BASE = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_MAX_DIGITS = 4_300


def core_value(node: Node) -> Json:
    """Return a node as JSON, plain scalars typed by https://yaml.org/spec/1.2.2/#103-core-schema.

    Raises YamlTrouble for a number that JSON does not have: not finite, or of too many digits.
    """
    if isinstance(node, Scalar):
        return _scalar(node)
    if isinstance(node, Sequence):
        return [core_value(item) for item in node.items]
    return {pair.key.text: core_value(pair.value) for pair in node.pairs}


def _scalar(node: Scalar) -> Json:
    text = node.text
    if node.style or node.forced_text:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _MAX_DIGITS and _FLOAT.match(text):
        raise YamlTrouble("a number has too many digits", node.start)
    if _DECIMAL.match(text):
        return int(text)
    if _OTHER_BASE.match(text):
        return int(text, 0)
    if _NOT_FINITE.match(text):
        raise YamlTrouble(f"{text} is not a number of JSON", node.start)
    if _FLOAT.match(text):
        return _float(text, node.start)
    return text


def _float(text: str, at: int) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise YamlTrouble(f"the number {text[:40]} is too large", at)
    return number
