"""Prints what a run did to each object, the rows of a dataset by what happened to them and many cut short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillsync.cli.render import visible

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.sync.report import Outcome

SHOWN_ROWS = 10
"""So many rows of a dataset to which the same happened are named."""
SHOWN_NOTES = 20


@dataclass(frozen=True, slots=True)
class Rest:
    """Rows of a dataset that are not named: so many more to which the same happened as to the last one."""

    dataset: str
    did: str
    count: int

    @property
    def text(self) -> str:
        """What is printed in their place."""
        rows = "row" if self.count == 1 else "rows"
        return f"… and {self.count:,} more {rows} of {self.dataset}: {self.did} (--json lists all)"


def in_short(outcomes: Iterable[Outcome]) -> list[Outcome | Rest]:
    """Return what is printed: everything that is no row in its place, and the first rows of each kind.

    Rows of one dataset to which the same happened stand together, in the order in which it happened first.
    """
    shown: list[Outcome | Rest] = []
    groups: dict[tuple[str, str, str], list[Outcome]] = {}

    def close() -> None:
        for (dataset, did, _), rows in groups.items():
            shown.extend(rows[:SHOWN_ROWS])
            if len(rows) > SHOWN_ROWS:
                shown.append(Rest(dataset, did, len(rows) - SHOWN_ROWS))
        groups.clear()

    for one in outcomes:
        if one.kind != "row":
            close()
            shown.append(one)
            continue
        group = (one.subject.partition(":")[0], one.did, one.code)
        groups.setdefault(group, []).append(one)
    close()
    return shown


def print_outcomes(out: Output, outcomes: Iterable[Outcome]) -> None:
    """Print each outcome with its reason and the next command."""
    for one in in_short(outcomes):
        if isinstance(one, Rest):
            out.data(visible(one.text), style="dim")
        else:
            print_outcome(out, one)


def print_outcome(out: Output, outcome: Outcome) -> None:
    """Print one object's outcome with its reason and the next command."""
    style = "green" if outcome.changed and not outcome.exit else ""
    if outcome.exit:
        style = "red" if outcome.exit in {1, 4} else "yellow"
    out.data(
        f"{out.style(visible(outcome.subject), 'bold')}: {out.style(visible(outcome.did), style)}"
    )
    if outcome.message and not outcome.conflicts:
        for line in outcome.message.split("\n"):
            out.data(f"    {visible(line)}")
    for conflict in outcome.conflicts:
        out.data(f"    {visible(conflict.unit)}: {visible(conflict.reason)}")
    if outcome.fix and (outcome.exit or outcome.code):
        code = f"  [{outcome.code}]" if outcome.code else ""
        out.data(f"    next: {visible(outcome.fix)}{code}")


def print_notes(out: Output, notes: Sequence[str]) -> None:
    """Print the notes, many cut short."""
    for note in notes[:SHOWN_NOTES]:
        out.note(f"note: {visible(note)}")
    if len(notes) > SHOWN_NOTES:
        out.note(f"note: … and {len(notes) - SHOWN_NOTES:,} more notes (--json lists all)")
