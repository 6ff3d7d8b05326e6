"""Times two things in turns and judges what was measured against its limit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    A ``ratio`` figure is good when ``value / baseline`` (both seconds) is at most ``limit``; an ``exact`` one (a
    count) when ``value`` is ``limit``; a ``most`` one when it is no more.
    """

    name: str
    value: float
    limit: float
    kind: Literal["ratio", "exact", "most"]
    baseline: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value over baseline, None for a count."""
        return self.value / self.baseline if self.baseline else None

    @property
    def is_ok(self) -> bool:
        """Whether the limit is kept."""
        if self.kind == "exact":
            return self.value == self.limit
        compared = self.ratio if self.kind == "ratio" else self.value
        return compared is not None and compared <= self.limit

    def as_json(self) -> dict[str, object]:
        """The figure as a JSON object; times in seconds."""
        return {
            "name": self.name,
            "kind": self.kind,
            "value": self.value,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "limit": self.limit,
            "ok": self.is_ok,
            "note": self.note,
        }


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turns(
    actions: Sequence[Callable[[], object]], *, rounds: int, warm_up: int = 2
) -> list[float]:
    """Return the median seconds of each action, run one after the other so that all meet the same weather."""
    for _ in range(warm_up):
        for action in actions:
            action()
    taken: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for times, action in zip(taken, actions, strict=True):
            times.append(seconds(action))
    return [statistics.median(times) for times in taken]


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out: figure, measured, baseline, ratio, limit, ok."""
    rows = [("figure", "measured", "baseline", "ratio", "limit", "ok")]
    rows += [
        (
            figure.name,
            _shown(figure.value, figure),
            "" if figure.baseline is None else _shown(figure.baseline, figure),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            {"ratio": "≤ {:g}×", "exact": "= {:g}", "most": "≤ {:g}"}[figure.kind].format(
                figure.limit
            ),
            "ok" if figure.is_ok else "MISSED",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _shown(value: float, figure: Figure) -> str:
    return f"{value * 1000:,.0f} ms" if figure.kind == "ratio" else f"{value:g}"
