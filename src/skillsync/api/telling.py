"""The door to whoever shows how far a run is: what it is told, and a listener that shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from skillsync.api.budget import Outlook

Budget = Callable[[int], Outlook]
"""Says what so many more requests mean."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step whose things are counted: ``doing`` what ("creating"), to which ``things`` of which object (``name``).

    ``total`` of them, None when nobody knows yet; each takes about ``cost`` requests.
    """

    doing: str
    name: str
    things: str = "rows"
    total: int | None = None
    cost: float = 1.0


class Telling(Protocol):
    """What the API's side tells while it works; each may be called from any thread."""

    def opened(self, budget: Budget) -> None:
        """A connection is there, and ``budget`` says what requests mean on it."""
        ...

    def ahead(self, requests: int, what: str) -> None:
        """About so many requests will be made, for ``what`` ("10,000 rows"); nothing of it was sent yet."""
        ...

    def expect(self, count: int) -> None:
        """So many more requests are about to be made."""
        ...

    def answered(self) -> None:
        """One more exchange is over."""
        ...

    def waiting(self, seconds: float) -> None:
        """The rate limit makes somebody wait that long."""
        ...

    def begin(self, step: Step) -> None:
        """A step begins; what is done from now on is of this one."""
        ...

    def done(self, count: int = 1) -> None:
        """So many more things of the step are done."""
        ...

    def end(self) -> None:
        """The step is over."""
        ...


class Untold:
    """Shows nothing; a listener for some of it overrides the rest."""

    def opened(self, budget: Budget) -> None:
        """Do nothing."""

    def ahead(self, requests: int, what: str) -> None:
        """Do nothing."""

    def expect(self, count: int) -> None:
        """Do nothing."""

    def answered(self) -> None:
        """Do nothing."""

    def waiting(self, seconds: float) -> None:
        """Do nothing."""

    def begin(self, step: Step) -> None:
        """Do nothing."""

    def done(self, count: int = 1) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


@contextmanager
def told(telling: Telling, step: Step) -> Iterator[None]:
    """Tell that a step goes on inside."""
    telling.begin(step)
    try:
        yield
    finally:
        telling.end()
