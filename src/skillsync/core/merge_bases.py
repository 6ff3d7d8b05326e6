"""Makes one base of several common ancestors: where they differ it equals nothing, so that a person decides (B4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from skillsync.core.common_lines import Steps, common_lines
from skillsync.core.merge_units import canonical_value
from skillsync.model import Extra, Skill

if TYPE_CHECKING:
    from skillsync.model import Json

T = TypeVar("T")

DISPUTED = "[the common ancestors differ here]"
"""Stands in a base for what its candidates do not agree about. It is in none of the texts that are merged."""


def common_base(bases: Sequence[Skill], *, sides: Sequence[Skill]) -> Skill | None:
    """Return the base that a merge with all ``bases`` has, None without any.

    A unit (a key, a line, a file) that all bases have alike is that; any other is one that neither of the ``sides``
    has, so that it is a conflict unless both sides have it alike. That is exact: where two candidates differ and the
    sides do as well, no candidate's verdict is the other's (sync.md 5.3). Modes and empty files know no conflict:
    there the candidates' common part counts, so that nothing is taken away.
    """
    if len(bases) < 2:
        return bases[0] if bases else None
    disputed = _unlike([*bases, *sides])
    first, steps = bases[0], Steps()
    return Skill(
        name=first.name,
        description=_agreed([base.description for base in bases], disputed),
        body=_text([base.body for base in bases], disputed, steps),
        license=_agreed([base.license for base in bases], disputed),
        compatibility=_agreed([base.compatibility for base in bases], disputed),
        allowed_tools=_agreed([_exact_tools(base) for base in bases], (disputed,)),
        metadata=_mapping([base.metadata for base in bases], disputed),
        files=_files([base.files for base in bases], disputed, steps),
        extra=_extra([base.extra or Extra() for base in bases], disputed),
    )


def _unlike(skills: Sequence[Skill]) -> str:
    """Return a word that no text of the skills holds."""
    texts = [text for skill in skills for text in _texts(skill)]
    word = DISPUTED
    while any(word in text for text in texts):
        word = f"[{word}]"
    return word


def _texts(skill: Skill) -> Iterator[str]:
    yield from (skill.description, skill.body, skill.license, skill.compatibility)
    yield from skill.allowed_tools
    yield from skill.files.values()
    yield from (str(value) for value in skill.metadata.values())
    if skill.extra is not None:
        yield from (str(value) for value in skill.extra.frontmatter.values())
        yield from skill.extra.allowed_tools or ()


def _agreed(values: Iterable[T], disputed: T) -> T:
    value, *others = set(values)
    return disputed if others else value


def _exact_tools(skill: Skill) -> tuple[str, ...]:
    carried = skill.extra.allowed_tools if skill.extra else None
    return skill.allowed_tools if carried is None else carried


def _text(texts: Sequence[str], disputed: str, steps: Steps) -> str:
    """Return the lines that all texts have, with the word in every place where they differ.

    What is too much to compare counts as different from beginning to end: a person decides then.
    """
    common = texts[0].split("\n")
    for text in texts[1:]:
        common = _common_lines(common, text.split("\n"), disputed, steps)
    return "\n".join(common)


def _common_lines(one: list[str], other: list[str], disputed: str, steps: Steps) -> list[str]:
    found: list[str] = []
    x, y = 0, 0
    for at_one, at_other in common_lines(one, other, steps):
        if (x, y) != (at_one, at_other):
            found.append(disputed)
        found.append(one[at_one])
        x, y = at_one + 1, at_other + 1
    return found if (x, y) == (len(one), len(other)) else [*found, disputed]


def _mapping(mappings: Sequence[Mapping[str, Json]], disputed: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key in dict.fromkeys(key for mapping in mappings for key in mapping):
        values = {canonical_value(mapping, key): mapping.get(key) for mapping in mappings}
        value, *others = values.values()
        found[key] = disputed if others else value
    return found


def _files(mappings: Sequence[Mapping[str, str]], disputed: str, steps: Steps) -> dict[str, str]:
    """A file that some candidates do not have is disputed as a whole, else line by line."""
    found: dict[str, str] = {}
    for path in dict.fromkeys(path for mapping in mappings for path in mapping):
        texts = [mapping[path] for mapping in mappings if path in mapping]
        found[path] = _text(texts, disputed, steps) if len(texts) == len(mappings) else disputed
    return found


def _extra(extras: Sequence[Extra], disputed: str) -> Extra:
    return Extra(
        frontmatter=_mapping([extra.frontmatter for extra in extras], disputed),
        executable=frozenset.intersection(*(extra.executable for extra in extras)),
        empty=frozenset.intersection(*(extra.empty for extra in extras)),
    )
