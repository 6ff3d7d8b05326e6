"""Keeps the pages of a target's list of skills in ``.git/skillsync/lists/``, so that what did not change is not sent again.

A cache in the strict sense (P7). A page is believed only where the server has just said that it is the same, and only
if it is as it was written: what is damaged or gone costs the bytes of one answer. A page of one target, project or
query never stands for another's; that of another user cannot, because the tag covers the user (skills-api.md 12).
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from skillsync.api.kept_pages import KeptPage
from skillsync.repo.files import write_all_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from skillsync.api.listing import Query

FOLDER = "lists"
MOST_PAGES = 32
"""So many pages are kept, of all targets together; the oldest go."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class KeptLists:
    """The kept pages of one target; ``place`` is ``HOST/PROJECT``, ``state_dir`` our folder in git's."""

    state_dir: Path
    place: str

    def recall(self, query: Query) -> KeptPage | None:
        """Return the page that was kept for a query, None where it is not as it was written."""
        try:
            head, _, body = (self._folder / self._name(query)).read_bytes().partition(b"\n")
            told = json.loads(head)
            if told == self._head(query, str(told["etag"]), body):
                return KeptPage(told["etag"], body)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        return None

    def keep(self, query: Query, page: KeptPage) -> None:
        """Keep a page; one that cannot be kept costs bytes, nothing else."""
        head = json.dumps(self._head(query, page.tag, page.body)).encode()
        with suppress(OSError):
            files = {self._name(query): head + b"\n" + page.body}
            write_all_atomic(self._folder, files, names_last=False)
            self._drop_oldest()

    def _head(self, query: Query, tag: str, body: bytes) -> dict[str, object]:
        return {
            "format": _FORMAT,
            "place": self.place,
            "query": [[name, str(value)] for name, value in query],
            "etag": tag,
            "sha256": sha256(body).hexdigest(),
        }

    def _name(self, query: Query) -> str:
        asked = json.dumps([self.place, *([name, str(value)] for name, value in query)])
        return f"{sha256(asked.encode()).hexdigest()[:32]}.page"

    def _drop_oldest(self) -> None:
        kept = sorted(self._folder.glob("*.page"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-MOST_PAGES]:
            path.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self.state_dir / FOLDER
