"""Times two things in turns and judges what was measured against its limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["ratio", "exact", "most", "seconds", "shown"]

_LIMITS = {"ratio": "≤ {:g}×", "exact": "= {:g}", "most": "≤ {:g}", "seconds": "≤ {:g} s", "shown": ""}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    A ``ratio`` figure is good when ``value / baseline`` (both seconds) is at most ``limit``, an ``exact`` one (a
    count) when ``value`` is ``limit``, a ``most`` one (a count) and a ``seconds`` one when it is no more; one that
    is only ``shown`` has no limit. ``unit`` is that of a value which is no count.
    """

    name: str
    value: float
    limit: float
    kind: Kind
    baseline: float | None = None
    note: str = ""
    unit: Literal["", "s", "MiB"] = ""

    @property
    def ratio(self) -> float | None:
        """Value over baseline, None for a count."""
        return self.value / self.baseline if self.baseline else None

    @property
    def is_ok(self) -> bool:
        """Whether the limit is kept."""
        if self.kind == "shown":
            return True
        if self.kind == "exact":
            return self.value == self.limit
        compared = self.ratio if self.kind == "ratio" else self.value
        return compared is not None and compared <= self.limit

    @property
    def verdict(self) -> str:
        """What the table says about it."""
        if self.kind == "shown":
            return ""
        return "ok" if self.is_ok else "MISSED"

    def as_json(self) -> dict[str, object]:
        """The figure as a JSON object; times in seconds."""
        return {
            "name": self.name.strip(),
            "kind": self.kind,
            "value": self.value,
            "unit": self.unit or ("s" if self.kind in {"ratio", "seconds"} else ""),
            "baseline": self.baseline,
            "ratio": self.ratio,
            "limit": None if self.kind == "shown" else self.limit,
            "ok": self.is_ok,
            "note": self.note,
        }


def shown(name: str, value: float, unit: Literal["", "s", "MiB"] = "s", note: str = "") -> Figure:
    """Return a figure without a limit."""
    return Figure(name, value, 0, "shown", note=note, unit=unit)


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turns(
    actions: Sequence[Callable[[], object]],
    *,
    rounds: int,
    is_enough: Callable[[Sequence[float]], bool] = lambda _: True,
    most: int = 4,
) -> list[float]:
    """Return the least seconds of each action, run one after the other so that all meet the same weather.

    Whatever else the machine does only adds to a time, so the least one says most. While that is not good
    enough, up to ``most`` times so many rounds are run.
    """
    for action in actions:
        action()
    least = [float("inf")] * len(actions)
    for _ in range(most):
        for _ in range(rounds):
            least = [
                min(best, seconds(action)) for best, action in zip(least, actions, strict=True)
            ]
        if is_enough(least):
            break
    return least


def table(figures: Sequence[Figure]) -> str:
    """Lay the figures out: figure, measured, baseline, ratio, limit, verdict."""
    rows = [("figure", "measured", "baseline", "ratio", "limit", "verdict")]
    rows += [
        (
            figure.name,
            _shown(figure.value, figure),
            "" if figure.baseline is None else _shown(figure.baseline, figure),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            _LIMITS[figure.kind].format(figure.limit),
            figure.verdict,
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
    if figure.kind in {"ratio", "seconds"} or figure.unit == "s":
        return f"{value * 1000:,.0f} ms"
    return f"{value:,.0f} {figure.unit}".strip()
