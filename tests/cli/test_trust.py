"""``skillsync trust``: the user's own list of hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from skillsync.cli.main import cli


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def trust(*words: str) -> Result:
    return CliRunner().invoke(cli, ["trust", *words])


def test_a_host_is_accepted_listed_and_taken_back(home: Path) -> None:
    assert (
        "keys may now be sent to https://posthog.example.org" in trust("posthog.example.org").stderr
    )
    assert "was accepted before" in trust("https://posthog.example.org/").stderr
    assert trust("--list").stdout == "https://posthog.example.org\n"
    assert "no longer accepted" in trust("--remove", "posthog.example.org").stderr
    assert "was not accepted" in trust("--remove", "posthog.example.org").stderr
    empty = trust()
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "no host is accepted" in empty.stderr


def test_json_has_the_list_and_what_changed(home: Path) -> None:
    first = json.loads(trust("a.example", "--json").stdout)
    assert first == {
        "schema": "skillsync.trust/1",
        "hosts": ["https://a.example"],
        "changed": "https://a.example",
    }
    assert json.loads(trust("a.example", "--json").stdout)["changed"] is None


@pytest.mark.parametrize(
    "host", ["http://plain.example", "a.example/path", "us.i.posthog.com", "аus.posthog.com", ""]
)
def test_what_is_no_host_exits_2_and_accepts_nothing(home: Path, host: str) -> None:
    assert trust(host).exit_code == 2
    assert trust("--list").stdout == ""


def test_a_broken_list_is_named_and_kept(home: Path) -> None:
    path = home / "config" / "skillsync" / "trusted.toml"
    path.parent.mkdir(parents=True)
    path.write_text("hosts = [")
    result = trust("a.example")
    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert path.read_text() == "hosts = ["
