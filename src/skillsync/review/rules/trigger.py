"""Rules T: name and description, which decide when an agent loads a skill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from skillsync.review.rules.model import Hit, Subject
from skillsync.review.values import Overlap, Trigger

_BROAD = re.compile(
    r"(?i)\b(?:always (?:use|load|apply|run|read|consult|invoke)|(?:every|any|all|each) (?:single )?(?:request|task|question|prompt|message|conversation|session|query|time)s?|no matter what|regardless of|before (?:doing )?anything|in (?:all|any|every) (?:case|situation|circumstance)s?|whenever possible|for everything|must be used first|ignore (?:all )?(?:other|previous))\b"
)
_DESCRIPTION = re.compile(rb"^description:[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON_WORDS = (
    "the and for with this that when use uses used user from into your you are can not any all has have will its "
    "skill skills asks ask about using such should their there which what how who"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_OVERLAP = 60
_FEW_WORDS = 4


def check_trigger(subject: Subject) -> Iterator[Hit]:
    """Yield what changed about when the skill loads."""
    trigger, path = subject.trigger, subject.place()
    document = subject.after.document
    if trigger is None or document is None:
        return
    line = subject.line_of("description")
    description = document.description.strip()
    if trigger.name_before and trigger.name_after and trigger.name_before != trigger.name_after:
        message = f"the name was {trigger.name_before} and is {trigger.name_after}"
        yield Hit("T-NAME", path, subject.line_of("name"), message, message)
    is_changed = any(words.op != "=" for words in trigger.words)
    if subject.before.document is not None and is_changed:
        yield Hit("T-DESCRIPTION", path, line, description, "when this skill loads has changed")
    if is_changed and (found := _BROAD.search(description)):
        message = "the description asks to be used nearly always"
        yield Hit("T-BROAD", path, line, found[0], message, evidence=found[0])
    elif is_changed and 0 < len(_WORD.findall(description)) < _FEW_WORDS and description.isascii():
        message = "the description says too little to tell when the skill applies"
        yield Hit("T-BROAD", path, line, description, message)
    for overlap in trigger.overlaps:
        message = f"the description shares {overlap.percent} % of its words with {overlap.name}"
        yield Hit("T-OVERLAP", path, line, overlap.name, message)


def with_overlaps(trigger: Trigger | None, subject: Subject) -> Trigger | None:
    """Add the other skills whose descriptions share most of their words, the nearest three."""
    document = subject.after.document
    if trigger is None or document is None or all(words.op == "=" for words in trigger.words):
        return trigger
    own = _words(document.description)
    if len(own) < _FEW_WORDS:
        return trigger
    found = []
    for folder, name, head in subject.others:
        if folder == subject.dir or name == subject.name:
            continue
        other = _described(head)
        least, most = sorted((len(own), len(other)))
        if least >= _FEW_WORDS and 100 * least >= _OVERLAP * most:
            percent = 100 * len(own & other) // len(own | other)
            if percent >= _OVERLAP:
                found.append(Overlap(name, percent))
    nearest = sorted(found, key=lambda one: (-one.percent, one.name))[:3]
    return replace(trigger, overlaps=tuple(nearest))


@lru_cache(maxsize=20_000)
def _described(head: bytes) -> frozenset[str]:
    """Return the words of a description, as far as the first bytes of SKILL.md tell: asked for every changed skill."""
    block = _DESCRIPTION.search(head)
    return _words(block[1].decode("utf-8", "replace")) if block else frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _COMMON
