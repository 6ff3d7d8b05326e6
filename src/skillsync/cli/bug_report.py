"""The report that a mistake of ours leaves behind: what is needed to find it, and no key."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from skillsync import __version__
from skillsync.api.secret import redact


def write_report(error: BaseException, *, argv: Sequence[str], start: Path) -> Path | None:
    """Write what is needed to find the bug, without keys, and return where; None if no place takes it.

    Below ``.git/skillsync/reports`` of the repository around ``start``, else in the folder for temporary files.
    """
    text = "\n".join(
        (
            f"skillsync {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {list(argv)!r}",
            "",
            *traceback.format_exception(error),
        )
    )
    for folder in (_state_folder(start), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(prefix="skillsync-report-", suffix=".txt", dir=folder)
            with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as report:
                report.write(redact(text))
        except OSError:
            continue
        return Path(name)
    return None


def _state_folder(start: Path) -> Path | None:
    """Find git's own folder by looking, not by asking git: a broken repository may be the very reason."""
    for folder in (start, *start.parents):
        if (folder / ".git").is_dir():
            return folder / ".git" / "skillsync" / "reports"
    return None
