"""Remembers when requests were sent to a server, so that the next run knows what is left of its windows: a cache."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

LONGEST = 3_600.0
"""Seconds: what is older fills no window any more."""

_MOST_BYTES = 1_000_000


class Spent:
    """The times of earlier requests to one project, by the second, in a file of the user's cache folder.

    What cannot be read or written costs a wait for the server's 429, nothing else; times to come are not believed.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def ages(self) -> list[float]:
        """Return how many seconds ago each request was sent, the oldest first; none older than LONGEST."""
        now = self._clock()
        found = self._read(now)
        return [now - second for second in sorted(found) for _ in range(found[second])]

    def add(self, ages: Iterable[float]) -> None:
        """Remember requests that were sent so many seconds ago, beside those of other runs."""
        now = self._clock()
        sent = Counter(int(now - age) for age in ages if 0 <= age < LONGEST)
        if not sent:
            return
        text = json.dumps(
            {str(second): count for second, count in (self._read(now) + sent).items()}
        )
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            number, name = tempfile.mkstemp(prefix=".sent-", dir=self._path.parent)
            with os.fdopen(number, "w", encoding="utf-8") as aside:
                aside.write(text)
            Path(name).replace(self._path)

    def _read(self, now: float) -> Counter[int]:
        try:
            if self._path.stat().st_size > _MOST_BYTES:
                return Counter()
            value = json.loads(self._path.read_text(encoding="utf-8"))
            found = {int(second): int(count) for second, count in value.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return Counter()
        return Counter(
            {
                second: min(count, 10_000)
                for second, count in found.items()
                if now - LONGEST < second <= now and count > 0
            }
        )


def spent_on(origin: str, project: int | str) -> Spent | None:
    """Return what was sent to a project of a server; None where the user has no cache folder of their own."""
    from platformdirs import user_cache_path

    folder = user_cache_path("skillsync", appauthor=False)
    if not folder.is_absolute():
        return None
    name = sha256(f"{origin}/{project}".encode()).hexdigest()[:16]
    return Spent(folder / f"sent-{name}.json")
