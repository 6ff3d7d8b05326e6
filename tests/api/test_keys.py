"""Which key wins, and where it may go: decided before any request (design.md 2, sync.md 14.6 #141, #145)."""

from __future__ import annotations

import json
import sys
import traceback
import types
from collections.abc import Mapping
from pathlib import Path

import pytest

from skillsync.api.keys import FoundKey, find_key, may_send, read_keyring
from skillsync.config import Target
from skillsync.errors import ConfigError, HostNotTrusted, NotAuthenticated, SkillsyncError

US = "https://us.posthog.com"
EU = "https://eu.posthog.com"
OWN = "https://posthog.example.org"
LOCAL = "http://127.0.0.1:8765"


def key(name: str) -> str:
    return f"phx_{name}_0123456789abcdef"


def find(
    tmp_path: Path,
    origin: str = US,
    *,
    environ: Mapping[str, str] | None = None,
    key_file: str | None = None,
    stored: Mapping[str, str] | None = None,
    credentials: object = None,
    trusted: tuple[str, ...] = (),
    name: str = "prod",
) -> FoundKey:
    """Look for a key in a made-up world: nothing of this machine is read."""
    api_key_file = None
    if key_file is not None:
        api_key_file = tmp_path / "key"
        api_key_file.write_text(key_file)
    if credentials is not None:
        folder = tmp_path / ".posthog"
        folder.mkdir(exist_ok=True)
        text = credentials if isinstance(credentials, str) else json.dumps(credentials)
        (folder / "credentials.json").write_text(text)
    return find_key(
        Target(name, origin, 1),
        api_key_file=api_key_file,
        environ=environ or {},
        home=tmp_path,
        trusted=trusted,
        keyring=(stored or {}).get,
    )


PLACES = ["file", "own", "general", "keyring", "posthog", "credentials"]
SOURCES = {
    "file": "the file",
    "own": "SKILLSYNC_PROD_API_KEY",
    "general": "SKILLSYNC_API_KEY",
    "keyring": "the system keyring",
    "posthog": "POSTHOG_CLI_API_KEY",
    "credentials": "credentials.json",
}


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_first_place_that_has_a_key_wins(tmp_path: Path, first: int) -> None:
    there = PLACES[first:]
    environ = {}
    if "own" in there:
        environ["SKILLSYNC_PROD_API_KEY"] = key("own")
    if "general" in there:
        environ["SKILLSYNC_API_KEY"] = key("general")
    if "posthog" in there:
        environ |= {"POSTHOG_CLI_API_KEY": key("posthog"), "POSTHOG_CLI_PROJECT_ID": "1"}
    found = find(
        tmp_path,
        environ=environ,
        key_file=key("file") + "\n" if "file" in there else None,
        stored={US: key("keyring")} if "keyring" in there else None,
        credentials={"host": US, "token": key("credentials"), "env_id": "1"},
    )
    assert found.secret.reveal() == key(there[0])
    assert SOURCES[there[0]] in found.source
    assert found.described.endswith("(phx_…cdef)")


def test_without_any_key_the_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        find(tmp_path, name="eu-1")
    assert caught.value.exit_code == 7
    assert "SKILLSYNC_EU_1_API_KEY" in caught.value.hint


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_variable_is_not_set_and_is_named_when_there_is_no_other(
    tmp_path: Path, empty: str
) -> None:
    """14.6 #141: an empty key is refused; CI systems set a secret that does not exist to nothing."""
    nothing = {"SKILLSYNC_PROD_API_KEY": empty, "SKILLSYNC_API_KEY": empty}
    with pytest.raises(NotAuthenticated, match="SKILLSYNC_PROD_API_KEY and SKILLSYNC_API_KEY are"):
        find(tmp_path, environ=nothing)
    with pytest.raises(NotAuthenticated, match=r"SKILLSYNC_API_KEY is set, but empty"):
        find(tmp_path, environ={"SKILLSYNC_API_KEY": empty})
    found = find(tmp_path, environ=nothing | {"SKILLSYNC_API_KEY": key("general")})
    assert found.secret.reveal() == key("general")
    assert find(tmp_path, environ=nothing, stored={US: key("ring")}).secret.reveal() == key("ring")


def test_another_targets_variable_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticated):
        find(tmp_path, environ={"SKILLSYNC_OTHER_API_KEY": key("other")})


# ---------------------------------------------------------------- where a key may go

TRUST = [
    (US, None, (), True),
    (EU, None, (), True),
    ("https://us.posthog.com:8443", None, (), False),
    ("https://evil.posthog.com", None, (), False),
    ("https://us.posthog.com.evil.example", None, (), False),
    (LOCAL, None, (), True),
    ("http://localhost:1", None, (), True),
    (OWN, None, (), False),
    (OWN, OWN, (), True),
    (OWN, "https://other.example", (), False),
    (OWN, None, (OWN,), True),
    (OWN, None, ("https://other.example",), False),
    ("https://sub.posthog.example.org", None, (OWN,), False),
    ("https://posthog.example.org:8443", OWN, (OWN,), False),
]


@pytest.mark.parametrize(("origin", "named", "trusted", "allowed"), TRUST)
def test_a_key_without_a_home_goes_only_where_the_user_said(
    origin: str, named: str | None, trusted: tuple[str, ...], allowed: bool
) -> None:
    assert may_send(origin, named=named, trusted=trusted) is allowed


@pytest.mark.parametrize("place", ["own", "general", "file"])
@pytest.mark.parametrize(("origin", "named", "trusted", "allowed"), TRUST)
def test_variables_and_key_files_follow_that_rule(
    tmp_path: Path,
    place: str,
    origin: str,
    named: str | None,
    trusted: tuple[str, ...],
    allowed: bool,
) -> None:
    environ = {"SKILLSYNC_HOST": named} if named else {}
    if place != "file":
        environ[SOURCES[place]] = key("env")
    key_file = key("env") if place == "file" else None

    def look() -> FoundKey:
        return find(tmp_path, origin, environ=environ, key_file=key_file, trusted=trusted)

    if allowed:
        assert look().secret.reveal() == key("env")
        return
    with pytest.raises(HostNotTrusted) as caught:
        look()
    assert caught.value.exit_code == 7
    assert f"skillsync trust {origin}" in caught.value.hint
    assert "nothing was sent" in caught.value.unchanged


def test_the_users_list_is_read_from_their_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "skillsync"
    folder.mkdir(parents=True)

    def nothing(origin: str) -> str | None:
        return None

    def look() -> FoundKey:
        environ = {"SKILLSYNC_API_KEY": key("env")}
        return find_key(Target("prod", OWN, 1), environ=environ, home=tmp_path, keyring=nothing)

    with pytest.raises(HostNotTrusted):
        look()
    (folder / "trusted.toml").write_text("hosts = [")
    with pytest.raises(ConfigError, match=r"trusted\.toml"):
        look()
    (folder / "trusted.toml").write_text(f'hosts = ["{OWN}"]\n')
    assert look().origin is None


def test_the_users_list_is_not_needed_for_the_regions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "skillsync").mkdir(parents=True)
    (tmp_path / "config" / "skillsync" / "trusted.toml").write_text("hosts = [")
    environ = {"SKILLSYNC_API_KEY": key("env")}
    found = find_key(Target("prod", US, 1), environ=environ, home=tmp_path)
    assert found.secret.reveal() == key("env")


def test_the_keyring_is_asked_for_the_targets_own_origin_only(tmp_path: Path) -> None:
    stored = {US: key("us"), EU: key("eu")}
    assert find(tmp_path, EU, stored=stored).secret.reveal() == key("eu")
    assert find(tmp_path, OWN, stored={OWN: key("own")}).origin == OWN
    with pytest.raises(NotAuthenticated):
        find(tmp_path, OWN, stored=stored)


def test_the_keyring_is_not_asked_when_an_earlier_place_has_a_key(tmp_path: Path) -> None:
    def never(origin: str) -> str | None:
        raise AssertionError(origin)

    environ = {"SKILLSYNC_API_KEY": key("env")}
    target = Target("prod", US, 1)
    found = find_key(target, environ=environ, home=tmp_path, trusted=(), keyring=never)
    assert found.secret.reveal() == key("env")


def test_the_real_keyring_may_be_missing_or_empty() -> None:
    assert read_keyring("https://nobody.example") is None


# ---------------------------------------------------------------- posthog-cli's places (platform.md 10)

ALL_OR_NOTHING = [
    ({"POSTHOG_CLI_API_KEY": key("cli"), "POSTHOG_CLI_PROJECT_ID": "1"}, US, True),
    ({"POSTHOG_CLI_TOKEN": key("cli"), "POSTHOG_CLI_ENV_ID": "1"}, US, True),
    ({"POSTHOG_CLI_TOKEN": key("cli"), "POSTHOG_CLI_PROJECT_ID": "1"}, US, True),
    ({"POSTHOG_CLI_API_KEY": key("cli")}, US, False),
    ({"POSTHOG_CLI_API_KEY": key("cli"), "POSTHOG_CLI_PROJECT_ID": ""}, US, False),
    ({"POSTHOG_CLI_PROJECT_ID": "1"}, US, False),
    ({"POSTHOG_API_KEY": key("cli"), "POSTHOG_PROJECT_ID": "1"}, US, False),
    (
        {
            "POSTHOG_CLI_API_KEY": key("cli"),
            "POSTHOG_CLI_PROJECT_ID": "1",
            "POSTHOG_CLI_HOST": f"{OWN}/",
        },
        OWN,
        True,
    ),
]


@pytest.mark.parametrize(("environ", "origin", "counts"), ALL_OR_NOTHING)
def test_posthog_clis_variables_count_only_as_a_whole(
    tmp_path: Path, environ: dict[str, str], origin: str, counts: bool
) -> None:
    if counts:
        found = find(tmp_path, origin, environ=environ)
        assert (found.secret.reveal(), found.origin) == (key("cli"), origin)
        return
    with pytest.raises(NotAuthenticated):
        find(tmp_path, origin, environ=environ)


def test_the_canonical_name_wins_over_its_alias(tmp_path: Path) -> None:
    environ = {
        "POSTHOG_CLI_API_KEY": key("new"),
        "POSTHOG_CLI_TOKEN": key("old"),
        "POSTHOG_CLI_PROJECT_ID": "1",
    }
    assert find(tmp_path, environ=environ).secret.reveal() == key("new")


def test_a_lone_host_variable_cannot_redirect_a_stored_key(tmp_path: Path) -> None:
    credentials = {"host": None, "token": key("stored"), "env_id": "1"}
    environ = {"POSTHOG_CLI_HOST": OWN}
    assert find(tmp_path, US, environ=environ, credentials=credentials).origin == US
    with pytest.raises(HostNotTrusted, match=r"belongs to https://us\.posthog\.com"):
        find(tmp_path, OWN, environ=environ, credentials=credentials)


def test_a_stored_key_goes_only_to_its_own_host_even_when_the_other_is_accepted(
    tmp_path: Path,
) -> None:
    credentials = {"host": EU, "token": key("stored"), "env_id": "1"}
    for origin in (US, OWN, LOCAL):
        with pytest.raises(HostNotTrusted) as caught:
            find(tmp_path, origin, credentials=credentials, trusted=(OWN,))
        assert caught.value.exit_code == 7
    assert find(tmp_path, EU, credentials=credentials).origin == EU


def test_a_variable_set_of_another_host_lets_the_file_have_its_turn(tmp_path: Path) -> None:
    environ = {"POSTHOG_CLI_API_KEY": key("us"), "POSTHOG_CLI_PROJECT_ID": "1"}
    credentials = {"host": OWN, "token": key("own"), "env_id": "1"}
    found = find(tmp_path, OWN, environ=environ, credentials=credentials)
    assert found.secret.reveal() == key("own")


def test_posthog_home_moves_the_file(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"token": key("moved"), "env_id": "1"}))
    found = find(tmp_path, environ={"POSTHOG_HOME": str(tmp_path)})
    assert found.secret.reveal() == key("moved")
    with pytest.raises(NotAuthenticated):
        find(tmp_path, environ={"POSTHOG_HOME": "."})


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "not json",
        "[" * 100_000,
        "[]",
        {"token": key("x")},
        {"token": key("x"), "env_id": 1},
        {"token": 3, "env_id": "1"},
        {"token": "", "env_id": "1"},
        {"token": key("x"), "env_id": "1", "host": 3},
        {"token": key("x"), "env_id": "1", "host": "http://plain.example"},
    ],
)
def test_a_credentials_file_that_is_not_whole_is_none(tmp_path: Path, credentials: object) -> None:
    with pytest.raises(NotAuthenticated):
        find(tmp_path, credentials=credentials)


# ---------------------------------------------------------------- what is no key

NOT_KEYS = [
    ("", "is empty"),
    (" \n", "is empty"),
    ("phx_CANARY0123456789\r\nX-Evil: 1", "line end"),
    ("phx_CANARY0123456789\nphx_CANARY2", "line end"),
    ("phx_CANARY 0123456789", "whitespace"),
    ('"phx_CANARY0123456789"', "quotes"),
    ("'phx_CANARY0123456789'", "quotes"),
    ("phx_CANARY0123456789\x00", "no key has"),
    ("phx_CANÄRY0123456789", "no key has"),
    ("phc_CANARY0123456789", "project token"),
    ("phs_CANARY0123456789", "project secret key"),
]


def is_none(place: str, value: str) -> bool:
    """An empty variable is not set, and an empty text in another program's places is none."""
    return place in {"own", "general"} or (place in {"posthog", "credentials"} and not value)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (place, value, reason)
        for place in PLACES
        for value, reason in NOT_KEYS
        if value.strip() or not is_none(place, value)
    ],
)
def test_what_cannot_be_a_key_is_refused_wherever_it_stands_and_never_printed(
    tmp_path: Path, place: str, value: str, reason: str
) -> None:
    environ = {SOURCES[place]: value} if place in {"own", "general", "posthog"} else {}
    with pytest.raises(SkillsyncError, match=reason) as caught:
        find(
            tmp_path,
            environ=environ | {"POSTHOG_CLI_PROJECT_ID": "1"},
            key_file=value if place == "file" else None,
            stored={US: value} if place == "keyring" else None,
            credentials={"token": value, "env_id": "1"} if place == "credentials" else None,
        )
    assert isinstance(caught.value, ConfigError)
    assert SOURCES[place] in caught.value.message
    said = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert "CANARY" not in said
    assert "CANÄRY" not in said


def test_line_ends_around_a_key_are_dropped(tmp_path: Path) -> None:
    assert find(tmp_path, key_file=f"  {key('a')}\r\n").secret.reveal() == key("a")


@pytest.mark.parametrize("kind", ["missing", "folder", "huge", "binary"])
def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key"
    if kind == "folder":
        path.mkdir()
    elif kind == "huge":
        path.write_bytes(b"x" * 20_000)
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="key file") as caught:
        find_key(Target("prod", US, 1), api_key_file=path, environ={}, home=tmp_path, trusted=())
    assert str(path) in caught.value.message


def test_a_wrong_skillsync_host_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SKILLSYNC_HOST must not hold a path"):
        find(tmp_path, OWN, environ={"SKILLSYNC_API_KEY": key("a"), "SKILLSYNC_HOST": f"{OWN}/x"})


def test_a_broken_keyring_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring that fails in its own way must not stop a command that has no need of it."""

    class KeyringError(Exception):
        pass

    def refuse(service: str, user: str) -> str:
        raise KeyringError(service, user)

    errors = types.SimpleNamespace(KeyringError=KeyringError)
    broken = types.SimpleNamespace(errors=errors, get_password=refuse)
    modules: dict[str, object] = vars(sys)["modules"]
    monkeypatch.setitem(modules, "keyring", broken)
    assert read_keyring(US) is None


def test_without_the_package_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, object] = vars(sys)["modules"]
    monkeypatch.setitem(modules, "keyring", None)
    assert read_keyring(US) is None
