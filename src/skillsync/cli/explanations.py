"""What each stable code means and what to do about it, for ``skillsync explain``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from skillsync import errors
from skillsync.cli.explanation_texts import TEXTS
from skillsync.review.rules.catalogue import RULES


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code with its paragraph; ``exit_code`` is None for what is listed rather than raised."""

    code: str
    text: str
    exit_code: int | None = None


def all_explanations() -> Mapping[str, Explanation]:
    """Return what there is to say, by code, sorted: errors, decisions, the checks of ``lint``, the rules of ``review``."""
    found = {code: Explanation(code, text) for code, text in TEXTS.items()}
    for rule in RULES.values():
        found[rule.name] = Explanation(rule.name, rule.text)
    for code, text in _codes_of_checks().items():
        found.setdefault(code, Explanation(code, text))
    for cls in error_classes():
        text = TEXTS.get(cls.code) or inspect.getdoc(cls) or ""
        found[cls.code] = Explanation(cls.code, text, cls.exit_code)
    return dict(sorted(found.items()))


def error_classes() -> Iterator[type[errors.SkillsyncError]]:
    """Yield every class of the exception tree that has a code of its own."""
    waiting: list[type[errors.SkillsyncError]] = [errors.SkillsyncError]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if "code" in vars(cls):
            yield cls


def _codes_of_checks() -> Mapping[str, str]:
    """The codes of ``lint``, from the room that checks: code to what it means."""
    try:
        codes = getattr(import_module("skillsync.formats.checks"), "CODES", {})
    except ModuleNotFoundError:
        return {}
    if not isinstance(codes, Mapping):
        return {}
    return {str(code): text for code, text in codes.items() if isinstance(text, str)}
