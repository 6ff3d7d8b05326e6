"""Writes skillsync.toml through tomlkit, so that comments, order and everything not meant stay as they are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

    from skillsync.config import Target


def settings_text(
    before: str | None,
    *,
    target: Target | None = None,
    skills: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    publish_branch: str | None = None,
) -> str:
    """Return the text of a skillsync.toml: ``before`` with the given values in it, or a new one."""
    new = _TEMPLATE + (_SOLO if publish_branch is None else "")
    document = tomlkit.parse(new if before is None else before)
    if skills is not None:
        document["skills"] = list(skills)
    if datasets is not None:
        document["datasets"] = list(datasets)
    if publish_branch is not None:
        document["publish_branch"] = publish_branch
    if target is not None:
        _set_target(document, target)
    return tomlkit.dumps(document)


_TEMPLATE = """\
# What skillsync publishes from this repository, and where to. Keys never go in here.
version = 1
skills = ["skills"]              # folders searched for SKILL.md
datasets = ["datasets"]          # folders searched for items.jsonl
"""
_SOLO = """\
# publish_branch = "main"        # a team: push publishes what is committed on this branch, and only that
"""


def _set_target(document: TOMLDocument, target: Target) -> None:
    targets = document.get("targets")
    if targets is None:
        if "default_target" not in document:
            document["default_target"] = target.name
        document.add(tomlkit.nl())
        targets = document["targets"] = tomlkit.table(is_super_table=True)
    if target.name in targets:
        table = targets[target.name]
    else:
        table = tomlkit.table()
        targets[target.name] = table
    for option, value in (("host", target.origin), ("project", target.project)):
        if table.get(option) != value:
            table[option] = value
    if target.skills is not None:
        table["skills"] = list(target.skills)
    if target.datasets is not None:
        table["datasets"] = list(target.datasets)


def replace_text(path: Path, text: str) -> None:
    """Replace the file at once, so that no reader finds half of it; its mode stays."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=".skillsync-toml-", delete=False
    ) as aside:
        try:
            aside.write(text)
            aside.flush()
            os.fsync(aside.fileno())
            Path(aside.name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(aside.name).replace(path)
        except BaseException:
            Path(aside.name).unlink(missing_ok=True)
            raise
