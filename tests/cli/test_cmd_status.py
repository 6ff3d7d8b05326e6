"""The verb `status` as a person and a script meet it: words, exit codes, JSON, folders, and what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from skillsync.cli.main import cli
from tests.sync.harness import Clone, Live, new_clone

HEAVY = ("httpx", "django", "watchdog", "yaml", "frontmatter", "rich", "tenacity", "tomlkit")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """Two published skills; what follows asks no server."""
    live = Live(tmp_path)
    made = new_clone(live, tmp_path / "clone")
    made.skill("alpha")
    made.skill("beta")
    made.push()
    made.commit("skills")
    yield made
    live.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["status", "--offline", *words])


def test_clean_is_said_and_exit_code_is_0(clone: Clone) -> None:
    done = run("-C", str(clone.path), "--exit-code")
    assert done.exit_code == 0
    assert "clean: nothing to push, pull or resolve (2 in sync)" in done.stdout


def test_exit_code_is_10_only_when_asked_for(clone: Clone) -> None:
    clone.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    assert run("-C", str(clone.path)).exit_code == 0
    done = run("-C", str(clone.path), "--exit-code")
    assert done.exit_code == 10
    assert "alpha: changed here since v1" in done.stdout
    assert "next: skillsync push alpha" in done.stdout


def test_a_problem_without_a_line_is_not_called_clean(clone: Clone) -> None:
    clone.write("skills/copy/SKILL.md", clone.read("skills/alpha/SKILL.md"))
    done = run("-C", str(clone.path), "--exit-code")
    assert done.exit_code == 10
    assert "clean" not in done.stdout


def test_json_is_one_document(clone: Clone) -> None:
    clone.skill("gamma")
    done = run("-C", str(clone.path), "--json", "--exit-code")
    found = json.loads(done.stdout)
    assert found["schema"] == "skillsync.status/1"
    assert (found["clean"], found["offline"], found["in_sync"], found["exit"]) == (
        False,
        True,
        2,
        10,
    )
    assert [(one["kind"], one["subject"]) for one in found["objects"]] == [("skill", "gamma")]


def test_names_and_paths_from_a_subfolder(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    clone.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    clone.replace("skills/beta/SKILL.md", "Step two.", "Step 2.")
    monkeypatch.chdir(clone.path / "skills/alpha")
    for words in (["."], ["SKILL.md"], ["alpha"], ["../alpha"], ["skills/alpha"]):
        done = run(*words)
        assert "alpha: changed" in done.stdout, words
        assert "beta" not in done.stdout, words
    assert "beta: changed" in run().stdout, "no name is everything, wherever one stands"


def test_a_name_that_is_nothings_is_exit_2(clone: Clone) -> None:
    done = run("-C", str(clone.path), "aplha", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["schema"]
    assert "aplha" in done.stdout


def test_offline_with_a_warm_cache_imports_neither_client_server_nor_parsers(clone: Clone) -> None:
    """Heavy imports are lazy (design.md 6); reading the files again would import yaml."""
    probe = f"""
import os, sys
from skillsync.cli.main import cli
opened = []
def look(event, given):
    if event == "open" and isinstance(given[0], (str, bytes)):
        path = os.fsdecode(given[0])
        if not os.path.isabs(path) or path.startswith(os.getcwd() + "/skills/"):
            opened.append(path)
import skillsync.cli.cmd_status
sys.addaudithook(look)
try:
    cli.main(["status", "--offline"])
except SystemExit as ended:
    assert not ended.code, ended.code
print(opened, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    assert run("-C", str(clone.path)).exit_code == 0
    # The clock of a scan has to have left the files' own times before they may be remembered.
    import os

    for path in (clone.path / "skills").rglob("*"):
        if path.is_file():
            os.utime(path, (1_000_000_000, 1_000_000_000))
    for _ in range(50):
        done = subprocess.run(
            [sys.executable, "-c", probe],
            cwd=clone.path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        if done.stderr == "[] []\n":
            break
    assert done.stderr == "[] []\n"
    assert "2 in sync" in done.stdout
