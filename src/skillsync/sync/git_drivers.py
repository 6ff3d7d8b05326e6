"""Teaches git how to merge and show skillsync's files: lines of .gitattributes, and this clone's configuration."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.config_write import replace_text
from skillsync.errors import ConfigError
from skillsync.repo.pointer import POINTER, ROWS
from skillsync.sync.local import ITEMS

if TYPE_CHECKING:
    from skillsync.repo.git import Repository

ATTRIBUTES = ".gitattributes"
DRIVER = "skillsync"
MERGE, DIFF = f"merge.{DRIVER}.driver", f"diff.{DRIVER}.textconv"


@dataclass(frozen=True)
class Taught:
    """What was written: lines of .gitattributes that were missing, and settings that were not so before."""

    lines: tuple[str, ...]
    settings: Mapping[str, str]


def own_command() -> list[str]:
    """Return the words that start this very skillsync, whatever the PATH is when git does."""
    script = Path(sys.executable).with_name("skillsync")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "skillsync"]


def attribute_lines(datasets: Sequence[str]) -> list[str]:
    """Return the lines that name the driver for pointers and rows below the dataset roots.

    In a clone without the configuration they say nothing to git, which then merges text as always.
    """
    lines = [f"{POINTER} merge={DRIVER}", f"{ROWS} merge={DRIVER}"]
    for root in datasets:
        pattern = ITEMS if root == "." else f"{root}/**/{ITEMS}"
        if any(character in pattern for character in ' \t"\\'):
            pattern = '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'
        lines.append(f"{pattern} merge={DRIVER} diff={DRIVER}")
    return lines


def driver_settings(command: Sequence[str]) -> dict[str, str]:
    """Return git's settings for these words. If the program is gone one day, git does as it did without them."""
    words, program = shlex.join(command), shlex.quote(command[0])
    merge = (
        f"if test -x {program}; then {words} merge-driver --marker-size %L %O %A %B %P; "
        "else git merge-file --marker-size=%L %A %O %B; fi"
    )
    if "%" in words:
        safe = words.replace("%", "%%"), program.replace("%", "%%")
        merge = merge.replace(words, safe[0]).replace(program, safe[1])
    return {
        f"merge.{DRIVER}.name": "skillsync: pointers by version, rows by key and field",
        MERGE: merge,
        DIFF: f'f() {{ if test -x {program}; then {words} textconv "$1"; else cat "$1"; fi; }}; f',
        f"diff.{DRIVER}.xfuncname": "^row .*",
    }


def teach_git(
    repo: Repository, datasets: Sequence[str], *, command: Sequence[str] | None = None
) -> Taught:
    """Add the missing lines to .gitattributes and set this clone's configuration.

    Raises ConfigError for a .gitattributes that is no text file of this repository.
    """
    path = repo.root / ATTRIBUTES
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ConfigError(f"{ATTRIBUTES} is no file", unchanged="Nothing was written.")
    try:
        before = path.read_bytes().decode() if path.exists() else ""
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{ATTRIBUTES} is not UTF-8 text", unchanged="Nothing was written."
        ) from error
    known = {line.strip() for line in before.splitlines()}
    lines = [line for line in attribute_lines(datasets) if line not in known]
    if lines:
        start = before if not before or before.endswith("\n") else f"{before}\n"
        replace_text(path, start + "".join(f"{line}\n" for line in lines))
    settings = {
        name: value
        for name, value in driver_settings(command or own_command()).items()
        if _setting(repo, name) != value
    }
    for name, value in settings.items():
        repo.run(["config", "--local", name, value], reads=False)
    return Taught(tuple(lines), settings)


def _setting(repo: Repository, name: str) -> str:
    return repo.run(["config", "--get", name], accept=(0, 1)).line
