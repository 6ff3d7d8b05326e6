"""The user's own list of accepted hosts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from skillsync.api.trust import (
    TRUST_FILE,
    config_folder,
    distrust_host,
    trust_host,
    trusted_hosts,
)
from skillsync.errors import ConfigError
from skillsync.origin import NotAnOrigin


def test_nobody_is_accepted_at_first(tmp_path: Path) -> None:
    assert trusted_hosts(folder=tmp_path / "none") == ()


def test_hosts_are_accepted_once_and_taken_back(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "skillsync"
    assert trust_host("https://B.example/", folder=folder)
    assert trust_host("https://a.example", folder=folder)
    assert not trust_host("https://a.example:443", folder=folder)
    assert trusted_hosts(folder=folder) == ("https://a.example", "https://b.example")
    assert distrust_host("https://a.example", folder=folder)
    assert not distrust_host("https://a.example", folder=folder)
    assert trusted_hosts(folder=folder) == ("https://b.example",)


def test_only_the_owner_reads_the_file_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "skillsync"
    trust_host("https://a.example", folder=folder)
    trust_host("https://b.example", folder=folder)
    assert [path.name for path in folder.iterdir()] == [TRUST_FILE]
    assert stat.S_IMODE((folder / TRUST_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "text",
    [
        "hosts = 3",
        "hosts = [3]",
        'hosts = ["http://plain.example"]',
        'hosts = ["https://a.example/path"]',
        "hosts = [",
        "\x00",
    ],
)
def test_a_file_that_makes_no_sense_trusts_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / TRUST_FILE).write_text(text)
    with pytest.raises(ConfigError) as caught:
        trusted_hosts(folder=tmp_path)
    assert str(tmp_path / TRUST_FILE) in caught.value.message
    with pytest.raises(ConfigError):
        trust_host("https://a.example", folder=tmp_path)


def test_what_is_no_origin_is_not_accepted(tmp_path: Path) -> None:
    with pytest.raises(NotAnOrigin):
        trust_host("http://plain.example", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_users_own_and_never_depends_on_where_one_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_folder() == tmp_path / "skillsync"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.chdir(tmp_path)
    try:
        folder = config_folder()
    except ConfigError:
        return
    assert folder.is_absolute()
    assert not folder.is_relative_to(tmp_path / "relative")
