"""``skillsync serve``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from skillsync.cli.cmd_serve import serve
from skillsync.cli.main import cli

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = "from skillsync.cli.cmd_serve import serve; serve()"


def ready(database: str, *options: str, key: str = "") -> str:
    """The first line that a server prints; it is ended again."""
    environment = dict(os.environ)
    if key:
        environment["SKILLSYNC_SERVER_KEY"] = key
    command = [sys.executable, "-c", _PROGRAM, "--port", "0", "--database", database, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        line = server.stdout.readline()
        server.send_signal(signal.SIGTERM)
        assert server.stdout.read() == ""
        assert server.wait(timeout=20) == 0, server.stderr.read()
    return line


def test_the_key_is_shown_on_the_first_start_or_when_given(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    first = json.loads(ready(database, "--json"))
    assert list(first) == ["schema", "url", "project", "key"]
    assert first["schema"] == "skillsync.serve/1"
    assert first["url"].startswith("http://127.0.0.1:")
    assert first["project"] == 1
    assert first["key"].startswith("phx_")
    assert list(json.loads(ready(database, "--json"))) == ["schema", "url", "project"]
    from_environment = json.loads(ready(database, "--json", key="phx_other_key"))
    assert from_environment["key"] == "phx_other_key"


@pytest.mark.slow
def test_the_current_dialect_is_spoken_with_quotas_and_throttled(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    options = [
        "--dialect",
        "current",
        "--quota",
        "datasets=1",
        "--throttle",
        "--key",
        "phx_given_key",
    ]
    command = [
        sys.executable,
        "-c",
        _PROGRAM,
        "--port",
        "0",
        "--json",
        "--database",
        database,
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        base, headers = f"{url}/api/projects/1/", {"Authorization": "Bearer phx_given_key"}
        with httpx.Client(base_url=base, headers=headers) as client:
            assert "archived" in client.post("datasets", json={"name": "one"}).json()
            assert client.post("datasets", json={"name": "two"}).json()["code"] == "limit_reached"
            search = "llm_skills/search?query=x"  # which may be asked 60 times a minute
            answers = [client.head(search).status_code for _ in range(61)]
        server.terminate()
    assert answers == [200] * 60 + [429]


def test_people_get_one_line(tmp_path: Path) -> None:
    line = ready(f"sqlite:///{tmp_path}/server.sqlite3")
    assert line.startswith("Serving at http://127.0.0.1:")
    assert ", project 1, key phx_" in line


def test_it_answers_soon_after_it_was_started(tmp_path: Path) -> None:
    """The promise is 1.5 s on a machine of its own; what others do to this one does not count here."""
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _PROGRAM, "--port", "0", "--json", "--database", database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        assert httpx.get(f"{url}/api/projects/1/llm_skills").status_code == 401
        server.terminate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3


@pytest.mark.slow
def test_a_host_that_others_reach_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    monkeypatch.setattr(
        "skillsync.server.serve.serve", lambda _app, *, host, **_: served.append(host)
    )
    for host, warned in (
        ("0.0.0.0", True),
        ("127.0.0.2", False),
        ("::1", False),
        ("localhost", False),
    ):
        database = f"sqlite:///{tmp_path}/server.sqlite3"
        result = CliRunner().invoke(serve, ["--host", host, "--database", database])
        assert result.exit_code == 0, result.output
        assert ("plain http sends keys" in result.stderr) is warned
    assert served == ["0.0.0.0", "127.0.0.2", "::1", "localhost"]


def test_what_cannot_be_is_a_usage_error(tmp_path: Path) -> None:
    good = f"sqlite:///{tmp_path}/server.sqlite3"
    for options in (
        ["--database", "nonsense"],
        ["--database", "sqlite://:memory:"],
        ["--database", f"sqlite:///{tmp_path}/no/such/folder.sqlite3"],
        ["--database", good, "--key", "short"],
        ["--database", good, "--dialect", "future"],
        ["--database", good, "--quota", "rows=1"],
        ["--database", good, "--port", "99999"],
    ):
        result = CliRunner().invoke(serve, options)
        assert result.exit_code == 2, result.output
        assert "Error" in result.stderr


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skillsync.server.app", None)
    result = CliRunner().invoke(cli, ["serve"])
    assert result.exit_code == 2
    assert "next: pip install 'skillsync[server]'" in result.stderr
    assert "E-MISSING-EXTRA" in result.stderr


def test_its_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from skillsync.cli import cmd_serve, cmd_server_admin; "
        "print([m for m in ('django', 'waitress', 'rest_framework', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_requests_meet_the_faults_of_a_file_and_each_is_told(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nkind = "status"\nstatus = 503\npath = "llm_skills"\n')
    database = f"sqlite:///{tmp_path}/server.sqlite3"
    command = [sys.executable, "-c", _PROGRAM, "--port", "0", "--json", "--key", "phx_given_key"]
    with subprocess.Popen(
        [*command, "--database", database, "--faults", str(faults)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        url = json.loads(server.stdout.readline())["url"]
        headers = {"Authorization": "Bearer phx_given_key"}
        statuses = [
            httpx.get(f"{url}/api/projects/1/llm_skills", headers=headers).status_code
            for _ in range(2)
        ]
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
        said = server.stderr.read()
    assert statuses == [503, 200]
    assert said == (
        "1 fault from faults.toml, seed 0\nfault: GET llm_skills: 503 before it is carried out\n"
    )


def test_a_file_of_faults_that_cannot_be_used_is_a_usage_error(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nkind = "delay"\n[[fault]]\nkind = "dealy"\n')
    result = CliRunner().invoke(serve, ["--faults", str(faults)])
    assert result.exit_code == 2
    assert "--faults: fault 1: delay needs `seconds`; fault 2: `kind` must be one of" in (
        result.output
    )
    assert CliRunner().invoke(serve, ["--faults", str(tmp_path / "none")]).exit_code == 2
