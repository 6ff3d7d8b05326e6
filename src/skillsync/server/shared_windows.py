"""The sliding windows of platform.md 6 kept in the database, so that they hold over all processes together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db import connections, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from skillsync.server.windows import Rates


class SharedWindows:
    """As ``windows.Windows``, in the database that the thread is bound to. One key's requests take turns."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """``clock`` in seconds; without one the database's own, which all its processes share."""
        self._clock = clock or _database_clock

    def wait(self, who: str, rates: Rates) -> float | None:
        """None when the request may pass, and is counted; else the seconds to wait: the largest of the windows."""
        from skillsync.server.throttle_models import LetThrough

        budget = " ".join(f"{rate.requests}/{rate.seconds}" for rate in rates)
        with transaction.atomic():
            _take_turn(f"{who} {budget}")
            now = self._clock()
            rows = LetThrough.objects.filter(who=who, budget=budget)
            rows.filter(at__lte=now - max(rate.seconds for rate in rates)).delete()
            latest = rows.order_by("-at").values_list("at", flat=True)
            waits = [
                at + rate.seconds - now
                for rate in rates
                for at in latest[rate.requests - 1 : rate.requests]
            ]
            if max(waits, default=0) > 0:
                return max(waits)
            LetThrough.objects.create(who=who, budget=budget, at=now)
            return None


def _take_turn(what: str) -> None:
    """No two requests look at the same windows at once. On SQLite the transaction itself sees to that."""
    connection = connections["default"]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A count that a crash of the machine forgets is no loss, and nobody waits for the disk.
            cursor.execute("SET LOCAL synchronous_commit TO OFF")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"throttle {what}"])


def _database_clock() -> float:
    connection = connections["default"]
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])
