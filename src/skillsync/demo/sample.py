"""Copies the sample repository to a new directory, modes and dotfiles included."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from skillsync.errors import DemoFailed, UsageError

PACKAGED = Path(__file__).resolve().parents[1] / "_sample_repo"
"""Where an installed package has it."""
CHECKED_OUT = Path(__file__).resolve().parents[3] / "sample_repo"
"""Where a checkout of skillsync itself has it."""

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".skillsync", ".skillsync.rows")
_HOST = re.compile(r'(?m)^host = "http://127\.0\.0\.1:\d+"')


def find_sample(places: tuple[Path, ...] = (PACKAGED, CHECKED_OUT)) -> Path:
    """Return the folder of the sample repository. Raises DemoFailed when the installation has none."""
    for place in places:
        if (place / "skillsync.toml").is_file():
            return place
    raise DemoFailed(
        "the sample repository is not part of this installation",
        unchanged="Nothing was made.",
        hint="install skillsync again: pip install --force-reinstall 'skillsync[server]'",
    )


def copy_sample(directory: Path | None, *, sample: Path) -> Path:
    """Copy ``sample`` to ``directory``, or to a new folder for temporary files; return its absolute path.

    Raises UsageError when ``directory`` is there already and holds something.
    """
    if directory is None:
        directory = Path(tempfile.mkdtemp(prefix="skillsync-demo-"))
    elif directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise UsageError(
            f"{directory} is there already and is not an empty folder",
            unchanged="Nothing was made.",
            hint="skillsync demo --directory NEW-FOLDER",
        )
    shutil.copytree(sample, directory, ignore=_LEFT_OUT, dirs_exist_ok=True)
    return directory.resolve()


def point_at(root: Path, url: str) -> None:
    """Write the server's address into the copy's skillsync.toml. Raises DemoFailed when there is no place for it."""
    path = root / "skillsync.toml"
    text, count = _HOST.subn(f'host = "{url}"', path.read_text("utf-8"))
    if count != 1:
        raise DemoFailed(f"{path} does not name one local server")
    path.write_text(text, "utf-8")


__all__ = ["CHECKED_OUT", "PACKAGED", "copy_sample", "find_sample", "point_at"]
