"""``skillsync demo``: the whole story for real, what it leaves behind, and how it fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillsync.demo.sample import CHECKED_OUT, copy_sample, find_sample, point_at
from skillsync.errors import DemoFailed, UsageError
from tests.world import git

_WORDS = ("export ", "SKILLSYNC_", "cd ", "git ", "skillsync ", "echo ")
SKILLSYNC = (sys.executable, "-P", "-m", "skillsync")


def demo(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SKILLSYNC, "demo", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def modes(root: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file below ``root`` but git's and the interpreter's own: its bytes, and whether it is executable."""
    return {
        str(path.relative_to(root)): (path.read_bytes(), os.access(path, os.X_OK))
        for path in root.rglob("*")
        if path.is_file() and not {".git", "__pycache__"} & set(path.relative_to(root).parts)
    }


# ---------------------------------------------------------------- the whole story


STORY = [
    ("skillsync push", 0),
    ("skillsync push", 3),
    ("skillsync pull", 0),
    ("skillsync push", 0),
    ("skillsync pull", 4),
    ("skillsync conflicts", 4),
    ("skillsync resolve support-triage --local", 0),
    ("skillsync push", 0),
    ("skillsync diff ticket-routing", 0),
    ("skillsync push", 3),
    ("skillsync pull", 0),
    ("skillsync push", 0),
    ("skillsync status", 0),
]
PUBLISHED = {
    "skills": {
        "eval-rows": 1,
        "incident-postmortem": 1,
        "migration-review": 1,
        "release-notes": 1,
        "support-triage": 5,
    },
    "datasets": {"Release note style": 10, "Ticket routing": 150},
}


@pytest.mark.slow
def test_the_story_ends_clean_with_its_key_private_and_its_server_stopped(tmp_path: Path) -> None:
    """With the newer generation, where each skill has one version more, its marker (B9)."""
    root = tmp_path / "a folder with spaces"
    done = demo("--json", "--dialect", "current", "--directory", str(root))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "skillsync.demo/1"
    ran = [(one["command"], one["exit"]) for step in document["steps"] for one in step["commands"]]
    assert [one for one in ran if one[0].startswith("skillsync ")][1:] == STORY
    skills = {name: number + 1 for name, number in PUBLISHED["skills"].items()}
    assert document["published"] == {**PUBLISHED, "skills": skills}
    assert "--dialect current" in document["restart"][1]

    commits = git(root, "log", "--format=%H", "--reverse").split()
    assert len(commits) == 5
    assert f'host = "{document["url"]}"' in git(root, "show", f"{commits[0]}:skillsync.toml")
    assert git(root, "log", "--format=%H", "--", "skillsync.toml").split() == commits[:1]
    assert git(root, "status", "--porcelain") == ""

    key_file = Path(document["key_file"])
    assert key_file == root / ".git/skillsync-demo/key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700
    assert key_file.read_text().strip() not in done.stdout + done.stderr
    assert not re.findall(r"phx_[\w-]{20,}", done.stdout + done.stderr)
    assert document["server_pid"] is None
    assert not answers(document["url"])


@pytest.mark.slow
def test_people_see_the_same_story_of_the_first_generation_and_keep_leaves_the_server_running(
    tmp_path: Path,
) -> None:
    """Without any git identity, with a signing key that asks and hooks that refuse, and from another repository."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "commit-msg").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "commit-msg").chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(
        f"[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgSign = true\n[core]\n\thooksPath = {hooks}\n"
    )
    environ = {
        name: value
        for name, value in os.environ.items()
        if "_AUTHOR_" not in name and "_COMMITTER_" not in name
    }
    done = subprocess.run(
        [*SKILLSYNC, "demo", "--keep", "--directory", "new"],
        cwd=tmp_path,
        env={**environ, "GIT_CONFIG_GLOBAL": str(config), "GIT_DIR": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r"to stop it: kill (\d+)", done.stdout)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert found
        assert "$ git config user.name Demo" in done.stdout
        ran = [one for one in told(done.stdout) if one[0].startswith("skillsync ")]
        assert ran[1:] == STORY
        assert "clean: nothing to push, pull or resolve (7 in sync, 160 rows)" in done.stdout
        for name, number in PUBLISHED["skills"].items():
            assert re.search(rf"skill +{name} +version {number}\n", done.stdout)
        assert "\x1b" not in done.stdout
        assert not re.findall(r"phx_[\w-]{20,}", done.stdout + done.stderr)
        url = re.search(r"Published at (\S+):", done.stdout)
        assert url
        assert answers(url[1])
    finally:
        if found is not None:
            os.kill(int(found[1]), signal.SIGTERM)
    wait_until_free(url[1])
    follow_the_suggestions(done.stdout)
    assert not answers(url[1])


def told(printed: str) -> list[tuple[str, int]]:
    """Read the commands that were shown, each with its exit code."""
    found: list[tuple[str, int]] = []
    for line in printed.splitlines():
        if line.startswith("  $ "):
            found.append((line.removeprefix("  $ "), 0))
        elif ended := re.fullmatch(r"    \(exit (\d+)\)", line):
            found[-1] = (found[-1][0], int(ended[1]))
    return found


def wait_until_free(url: str) -> None:
    """Wait for the kept server to end: it is nobody's child here."""
    until = time.monotonic() + 30
    while answers(url) and time.monotonic() < until:
        time.sleep(0.05)
    assert not answers(url)


def follow_the_suggestions(printed: str) -> None:
    """Type every line that the demo ends with: the two that start the server again, then the others."""
    lines = [line[2:] for line in printed[printed.index("The first line gives") :].splitlines()]
    export, serve, *explore = [line for line in lines if line.startswith(_WORDS)]
    assert len(explore) == 8
    serve = serve.replace("& sleep 2", "& pid=$!; trap 'kill $pid; wait $pid' EXIT; sleep 3")
    done = subprocess.run(
        ["sh", "-ec", "\n".join((export, serve, *explore, "skillsync status"))],
        cwd="/",
        env={**os.environ, "GIT_PAGER": "cat"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+ - Be kind." in done.stdout
    assert "support-triage: published v6" in done.stdout
    assert done.stdout.count("clean: nothing to push, pull or resolve") == 2


# ---------------------------------------------------------------- when it cannot


@pytest.fixture
def broken_git(tmp_path: Path) -> Path:
    """A folder for the PATH whose git cannot commit."""
    real = shutil.which("git")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f'#!/bin/sh\nfor word; do [ "$word" = commit ] && exit 9; done\nexec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    return folder


def test_a_step_that_does_something_else_ends_the_demo_and_the_server(
    broken_git: Path, tmp_path: Path
) -> None:
    done = demo("--directory", str(tmp_path / "new"), PATH=f"{broken_git}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "ended with exit code 9 instead of 0" in done.stderr
    assert "E-DEMO" in done.stderr
    assert f"left for a look: {tmp_path / 'new'}" in done.stderr
    url = re.search(r"answers at (http://[\d.:]+\d)", done.stdout)
    assert url
    assert not answers(url[1])


def test_a_failure_is_one_json_document(broken_git: Path, tmp_path: Path) -> None:
    done = demo(
        "--json", "--directory", str(tmp_path / "new"), PATH=f"{broken_git}:{os.environ['PATH']}"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "E-DEMO"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_stops_the_server(number: int, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*SKILLSYNC, "demo", "--directory", str(tmp_path / "new")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = None
        for line in process.stdout:
            url = url or re.search(r"answers at (http://[\d.:]+\d)", line)
            if line == "  $ skillsync push\n":
                break
        process.send_signal(number)
        assert process.wait(60) == 130
    assert url
    assert not answers(url[1])


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = demo("--directory", str(tmp_path))
    assert done.returncode == 2
    assert "is not an empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_without_the_server_extra_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['waitress'] = None\nfrom skillsync.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "demo", "--directory", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "E-MISSING-EXTRA" in done.stderr
    assert "pip install 'skillsync[server]'" in done.stderr
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------- the sample


def test_the_copy_has_every_file_with_its_mode_and_nothing_else(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    shutil.copytree(CHECKED_OUT, sample, ignore=shutil.ignore_patterns("__pycache__"))
    expected = modes(sample)
    (sample / "skills/eval-rows/scripts/__pycache__").mkdir()
    (sample / "skills/eval-rows/scripts/__pycache__/check_rows.pyc").write_bytes(b"")
    root = copy_sample(tmp_path / "deep/er", sample=sample)
    assert modes(root) == expected
    assert not list(root.rglob("__pycache__"))
    assert {".gitignore", ".gitattributes"} <= {path.name for path in root.iterdir()}


def test_an_installation_without_the_sample_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="not part of this installation"):
        find_sample((tmp_path,))
    assert find_sample((tmp_path, CHECKED_OUT)) == CHECKED_OUT


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError):
        copy_sample(tmp_path / "file", sample=CHECKED_OUT)


def test_only_the_local_host_is_replaced(tmp_path: Path) -> None:
    root = copy_sample(tmp_path / "new", sample=CHECKED_OUT)
    before = (root / "skillsync.toml").read_text()
    point_at(root, "http://127.0.0.1:4242")
    assert (root / "skillsync.toml").read_text() == before.replace(":8765", ":4242")
    (root / "skillsync.toml").write_text("version = 1\n")
    with pytest.raises(DemoFailed):
        point_at(root, "http://127.0.0.1:4242")
