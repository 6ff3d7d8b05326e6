"""Small helpers that make repositories for tests with git itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(where: Path, *args: str, data: bytes | None = None, check: bool = True) -> str:
    """Run git in ``where`` and return what it printed, without the last line end."""
    done = subprocess.run(
        ["git", "-C", str(where), *args], input=data, capture_output=True, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(args)}: {done.stderr.decode()}")
    return os.fsdecode(done.stdout).removesuffix("\n")


def write_files(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below ``root``, making folders as needed."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit_all(root: Path, message: str = "change") -> str:
    """Commit everything that is not ignored and return the commit's id."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def make_repository(
    path: Path,
    files: Mapping[str, str | bytes] | None = None,
    *,
    object_format: str = "sha1",
    commit: bool = True,
) -> Path:
    """Make a repository on branch ``main``, with one commit of ``files`` unless ``commit`` is false."""
    path.mkdir(parents=True, exist_ok=True)
    git(path, "init", "-q", f"--object-format={object_format}")
    git(path, "symbolic-ref", "HEAD", "refs/heads/main")
    write_files(path, files or {})
    if commit:
        commit_all(path, "first")
    return path


def tree_of(root: Path) -> dict[str, bytes]:
    """Read every file below ``root`` but git's own: path to bytes, links as ``-> target``."""
    found: dict[str, bytes] = {}
    for folder, folders, names in os.walk(root):
        if ".git" in folders:
            folders.remove(".git")
        for name in [*names, *(each for each in folders if (Path(folder) / each).is_symlink())]:
            path = Path(folder) / name
            shown = str(path.relative_to(root))
            found[shown] = (
                b"-> " + os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            )
    return found
