"""Remembers what was said, so that nothing is said twice, and what of it needs a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from skillsync.watch.state import Told
from skillsync.watch.values import Level, Notice, Said

REPORTS = ("pull", "push", "local")
"""Whose lines are about the same objects: what one of them said, the others need not say again."""


@dataclass(slots=True)
class Telling:
    """What was ``said`` before, by what it is about, and what is to be said now: nothing twice, unless words change."""

    said: dict[str, Told]
    notices: list[Notice] = field(default_factory=list)

    def tell(self, key: str, notice: Notice, *, words: str = "") -> None:
        """Say it unless it was said; ``words`` are what is compared where that is not the message."""
        told = Told(words or f"{notice.message} {notice.code}", notice)
        if self.said.get(key, told).words == told.words and key in self.said:
            return
        prefix, _, subject = key.partition(":")
        others = [f"{other}:{subject}" for other in REPORTS if prefix in REPORTS]
        is_known = any(at in self.said and self.said[at].words == told.words for at in others)
        self.said[key] = told
        if not is_known:
            self.notices.append(notice)

    def say(self, level: Level, kind: str, message: str) -> None:
        """Say what happened just now."""
        self.notices.append(Notice(level, kind, "", message))

    def forget(self, key: str) -> bool:
        """Let it be said again; returns whether it was said."""
        return self.said.pop(key, None) is not None

    def report(
        self, prefix: str, lines: Iterable[Said], *, covers: Callable[[str], bool] = lambda _: True
    ) -> None:
        """Tell an engine's report; what was said of the subjects it ``covers`` and is not in it any more is forgotten."""
        kept = set()
        for line in lines:
            key = f"{prefix}:{line.key}"
            level = Level.PERSON if line.person else Level.INFO
            notice = Notice(level, prefix, line.key, line.words, line.code, line.fix)
            if line.changed:
                self.notices.append(notice)  # each deed is told
            else:
                kept.add(key)
                self.tell(key, notice)
        for key in self.said.keys() - kept:
            of, _, subject = key.partition(":")
            if of == prefix and covers(subject.partition(":")[0]):
                del self.said[key]
