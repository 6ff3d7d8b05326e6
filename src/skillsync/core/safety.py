"""A second look at a finished plan: too many removals, or one side that is suddenly empty (design.md 6, sync.md 12.1).

Every refusal quotes the numbers and names the override; nothing has been written when it is raised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillsync.errors import RefusedForSafety

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ROWS = 20
"""Up to this many rows of a dataset may be removed at once, unless they are all."""

MAX_ROW_SHARE = 0.10
"""More than MAX_ROWS are allowed up to this share of a dataset's rows."""

MAX_SKILLS = 5
"""Up to this many skills may be removed at once."""

UNCHANGED = "Nothing was changed on either side."


@dataclass(frozen=True, slots=True)
class RowRemovals:
    """How many of a dataset's ``total`` rows (before) are to be ``removed``; own equal duplicates do not count."""

    removed: int
    total: int

    @property
    def is_too_many(self) -> bool:
        """Tell whether the ceiling is passed: all rows, or many both in number and in share."""
        if self.removed <= 0:
            return False
        if self.removed >= self.total:
            return True
        return self.removed > MAX_ROWS and self.removed > MAX_ROW_SHARE * self.total


@dataclass(frozen=True, slots=True)
class Removals:
    """What a plan removes on one side: ``skills`` by count, ``rows`` by the dataset's name."""

    skills: int = 0
    rows: Mapping[str, RowRemovals] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many objects go in all: the number that ``--max-removals`` must name."""
        return self.skills + sum(rows.removed for rows in self.rows.values())


def check_removals(removals: Removals, *, max_removals: int | None = None) -> None:
    """Raise RefusedForSafety if the plan removes more than the ceiling allows.

    ``max_removals`` is the count that the user named: only the exact one lets the plan through (P11).
    """
    if max_removals == removals.count:
        return
    reasons = []
    if removals.skills > MAX_SKILLS:
        reasons.append(f"{removals.skills} skills (at most {MAX_SKILLS} at once)")
    for name, rows in sorted(removals.rows.items()):
        if rows.is_too_many:
            share = f"{100 * rows.removed / rows.total:.0f} %" if rows.total else "all"
            reasons.append(f"{rows.removed} of {rows.total} rows of {name} ({share})")
    if not reasons:
        return
    named = "" if max_removals is None else f", and --max-removals {max_removals} is not that count"
    raise RefusedForSafety(
        f"the plan would remove {'; '.join(reasons)}: {removals.count} in all{named}",
        unchanged=UNCHANGED,
        hint=f"if this is meant: the same command with --max-removals {removals.count}",
    )


def check_listing(
    *, linked: int, present: int, absent: int, max_removals: int | None = None
) -> None:
    """Raise RefusedForSafety if the remote is suddenly empty of skills that were linked.

    ``linked`` skills have a pointer, ``present`` of them are in the listing, ``absent`` are to be taken as gone.
    An empty listing is how a lost permission looks (sync.md A9), so two absent skills with none present stop.
    """
    if linked < 2 or present or absent < 2 or max_removals == absent:
        return
    raise RefusedForSafety(
        f"the target lists none of the {linked} linked skills: "
        "that is how a lost permission or a wrong project looks",
        unchanged=UNCHANGED,
        hint="skillsync status -v shows project and key; "
        f"if they are really gone: skillsync pull --max-removals {absent}",
    )


def check_dataset_listing(
    name: str,
    *,
    base_rows: int,
    remote_rows: int,
    removals: int | None = None,
    max_removals: int | None = None,
) -> None:
    """Raise RefusedForSafety if a dataset that had rows is listed without any.

    ``removals`` is how many lines would go for it, by default as many as the base had rows.
    """
    count = base_rows if removals is None else removals
    if not base_rows or remote_rows or not count or max_removals == count:
        return
    raise RefusedForSafety(
        f"the target lists no rows of a dataset that had {base_rows}",
        subject=name,
        unchanged=UNCHANGED,
        hint="look at it in the web page; "
        f"if they are really gone: skillsync pull {name} --max-removals {count}",
    )


def check_items_file(
    name: str, *, base_rows: int, local_rows: int | None, max_removals: int | None = None
) -> None:
    """Raise RefusedForSafety if items.jsonl is missing (``local_rows`` None) or holds no row although the base did."""
    if not base_rows or local_rows or max_removals == base_rows:
        return
    state = "is missing" if local_rows is None else "is empty"
    raise RefusedForSafety(
        f"items.jsonl {state}, and the dataset had {base_rows} rows when it was last in sync",
        subject=name,
        unchanged=UNCHANGED,
        hint=f"git restore items.jsonl in the folder of {name}; "
        f"if all rows shall go: the same command with --max-removals {base_rows}",
    )
