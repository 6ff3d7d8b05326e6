"""The wheel: what an installation gets has the sample with its modes, dotfiles and empty files."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from skillsync.demo.sample import CHECKED_OUT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLE = "skillsync/_sample_repo/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it from the files that git knows or would add, with the installed hatchling and no network."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("package")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    source = folder / "source"
    for name in map(os.fsdecode, filter(None, names)):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
            (source / name).chmod((ROOT / name).stat().st_mode)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_sample_is_in_the_wheel_with_its_modes_dotfiles_and_empty_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {
            one.filename.removeprefix(SAMPLE): (
                archive.read(one),
                bool((one.external_attr >> 16) & 0o111),
            )
            for one in archive.infolist()
            if one.filename.startswith(SAMPLE)
        }
    expected = {
        str(path.relative_to(CHECKED_OUT)): (path.read_bytes(), os.access(path, os.X_OK))
        for path in CHECKED_OUT.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == expected
    assert found["skills/migration-review/scripts/sqlcheck/__init__.py"] == (b"", False)
    assert {".gitignore", ".gitattributes"} <= found.keys()


def test_the_wheel_has_the_package_typed_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "skillsync/py.typed" in names
    assert "skillsync/__main__.py" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"skillsync"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_demo_of_an_installed_wheel_finds_its_own_sample(wheel: Path, tmp_path: Path) -> None:
    """Unpacked as pip does it, away from the checkout; the dependencies are this interpreter's."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        for one in archive.infolist():
            path = Path(archive.extract(one, site))
            path.chmod((one.external_attr >> 16) & 0o777 or 0o644)
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from pathlib import Path\n"
        "from skillsync.demo.sample import copy_sample, find_sample\n"
        f"print(copy_sample(Path({str(tmp_path / 'copy')!r}), sample=find_sample()), find_sample())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert str(site / "skillsync/_sample_repo") in done.stdout
    copied = {
        str(path.relative_to(tmp_path / "copy")): os.access(path, os.X_OK)
        for path in (tmp_path / "copy").rglob("*")
        if path.is_file()
    }
    assert copied["skills/support-triage/scripts/redact.py"] is True
    assert copied["skills/support-triage/SKILL.md"] is False
    assert ".gitattributes" in copied
