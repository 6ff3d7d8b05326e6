"""skillsync.toml: what it may say, and that everything wrong with one is said at once (sync.md 14.6 #141, #143)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.config import (
    DatasetOptions,
    Settings,
    SettingsInvalid,
    Target,
    load_settings,
    parse_settings,
    write_settings,
)
from skillsync.config_schema import SETTINGS_FILE
from skillsync.config_write import settings_text
from skillsync.errors import ConfigError, NotARepository

ROOT = Path("/repository")
CANARY = "phx_CANARYcanaryCANARY0123456789"

WHOLE = """\
version = 1
skills = ["skills", "./more/skills/"]
datasets = ["datasets"]
default_target = "prod"
publish_branch = "release/1.x"
carry = "local"

[targets.prod]
host = "https://us.posthog.com/"
project = 12345
skills = ["*", "!scratch-*"]
datasets = ["cases"]
pace = 60
publishers = [7, 8]

[targets.local]
host = "http://127.0.0.1:8765"
project = 1
pace = "off"

[dataset.cases]
keys = "content"
max_line_bytes = 2_000_000
max_file_bytes = 3_000_000_000
fields = { input = "vars", expected_output = "ideal" }
"""


def read(text: str) -> Settings:
    return parse_settings(text.encode(), root=ROOT)


def problems(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(SettingsInvalid) as caught:
        read(text)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_every_option_is_read() -> None:
    settings = read(WHOLE)
    assert settings.skills == ("skills", "more/skills")
    assert settings.datasets == ("datasets",)
    assert settings.publish_branch == "release/1.x"
    assert settings.carry == "local"
    assert {target.carry for target in settings.targets.values()} == {"local"}
    assert settings.target() == Target(
        name="prod",
        origin="https://us.posthog.com",
        project=12345,
        skills=("*", "!scratch-*"),
        datasets=("cases",),
        pace=60,
        publishers=(7, 8),
        carry="local",
    )
    assert settings.target().place == "us.posthog.com/12345"
    assert settings.target("local").place == "127.0.0.1:8765/1"
    assert settings.target("local").pace == "off"
    assert settings.options_for("cases") == DatasetOptions(
        {"input": "vars", "expected_output": "ideal"}, "content", 2_000_000, 3_000_000_000
    )
    assert (settings.items_limit, read("version = 1\n").items_limit) == (
        3_000_000_000,
        2_000_000_000,
    )
    assert settings.options_for("others") == DatasetOptions()


def test_the_smallest_file_has_the_defaults() -> None:
    settings = read("version = 1\n")
    assert (settings.skills, settings.datasets) == (("skills",), ("datasets",))
    assert settings.publish_branch is None
    assert settings.carry == "metadata"
    with pytest.raises(ConfigError, match="names no target"):
        settings.target()


def test_the_only_target_is_the_default_one_and_of_several_none_is() -> None:
    one = '[targets.a]\nhost = "https://us.posthog.com"\nproject = 1\n'
    assert read("version = 1\n" + one).target().name == "a"
    two = read("version = 1\n" + one + one.replace("[targets.a]", "[targets.b]"))
    with pytest.raises(ConfigError, match="several targets"):
        two.target()
    with pytest.raises(ConfigError, match=r"'c'.*there is: a, b"):
        two.target("c")


TARGET = '\n[targets.t]\nhost = "https://us.posthog.com"\nproject = 1\n'

BAD = [
    ("versio = 1", 1, "versio is not an option (did you mean version?)"),
    ("", None, "version is missing: write version = 1"),
    ("version = 2", 1, "version is 2: the file was written for a newer skillsync"),
    ("version = true", 1, "version must be 1"),
    ('version = "1"', 1, "version must be 1"),
    ("version = 1\nskils = []", 2, "skils is not an option (did you mean skills?)"),
    ('version = 1\nskills = "skills"', 2, "skills must be a list of texts"),
    ("version = 1\nskills = [1]", 2, "skills must be a list of texts"),
    ('version = 1\nskills = [""]', 2, "skills must be text that is not empty"),
    ('version = 1\nskills = ["a\\u001b[2J"]', 2, "skills holds control characters"),
    ('version = 1\nskills = ["/etc"]', 2, "skills has '/etc': must be relative"),
    ('version = 1\nskills = ["C:/x"]', 2, "skills has 'C:/x': must be relative"),
    ('version = 1\nskills = ["~/x"]', 2, "skills has '~/x': must be relative"),
    ("version = 1\nskills = ['a\\b']", 2, "must be relative"),
    ('version = 1\nskills = ["a/../../b"]', 2, "must stay inside the repository"),
    ('version = 1\nskills = [".GIT/hooks"]', 2, "git's own folder"),
    ('version = 1\nskills = ["a", "./a/"]', 2, "skills has 'a' twice"),
    ('version = 1\nskills = ["a", "a/b"]', 2, "skills has 'a/b', which lies inside 'a'"),
    ('version = 1\nskills = [".", "a"]', 2, "skills has 'a', which lies inside '.'"),
    ('version = 1\npublish_branch = "--upload-pack=x"', 2, "not the name of a branch"),
    ('version = 1\npublish_branch = "a..b"', 2, "not the name of a branch"),
    ('version = 1\npublish_branch = "a b"', 2, "not the name of a branch"),
    ('version = 1\ncarry = "never"', 2, 'must be "metadata", "local" or "error"'),
    ('version = 1\ndefault_target = "prod"', 2, "default_target names 'prod', which is no target"),
    ('version = 1\ndefault_target = "tt"' + TARGET, 2, "(did you mean t?)"),
    ("version = 1\ntargets = 3", 2, "targets must be sections such as [targets.NAME]"),
    ("version = 1\n[targets]\nhost = 3", 3, "[targets] host must be a section"),
    ('version = 1\n[targets.t]\nhost = "https://a.example"', 2, "[targets.t] needs the option project"),
    ("version = 1\n[targets.t]\nproject = 1", 2, "[targets.t] needs the option host"),
    ("version = 1" + TARGET.replace("1", '"1"'), 4, "[targets.t] project must be a whole number"),
    ("version = 1" + TARGET.replace("= 1", "= true"), 4, "project must be a whole number above 0"),
    ("version = 1" + TARGET.replace("= 1", "= 0"), 4, "project must be a whole number above 0"),
    ("version = 1" + TARGET.replace("= 1", "= -1"), 4, "project must be a whole number above 0"),
    ("version = 1" + TARGET.replace("us.posthog.com", "us.posthog.com/p/1"), 3, "host must not hold a path"),
    ("version = 1" + TARGET.replace("us.posthog", "u:p@us.posthog"), 3, "host must not hold a user name"),
    ("version = 1" + TARGET.replace(".com", ".com."), 3, "host must not end with a dot"),
    ("version = 1" + TARGET.replace("https", "http"), 3, "host must start with https: plain http"),
    ("version = 1" + TARGET.replace("us.", "us.i."), 3, "use https://us.posthog.com"),
    ("version = 1" + TARGET.replace("us.", "аus."), 3, "xn--us-6kc.posthog.com"),
    ('version = 1\n[targets.t]\nhost = ["x"]\nproject = 1', 3, "[targets.t] host is empty"),
    ("version = 1" + TARGET + 'pace = "fast"', 5, 'pace must be "auto", "off" or a number'),
    ("version = 1" + TARGET + "pace = 0", 5, 'pace must be "auto", "off" or a number'),
    ("version = 1" + TARGET + "publishers = 3", 5, "publishers must be a list of user numbers"),
    ("version = 1" + TARGET + "publishers = [true]", 5, "publishers must be a whole number"),
    ("version = 1" + TARGET + 'skills = ["!"]', 5, "skills has a pattern that is only !"),
    ("version = 1" + TARGET + 'hots = "x"', 5, "[targets.t] hots is not an option (did you mean host?)"),
    ('version = 1\n[targets."a b"]\nhost = "https://a.example"\nproject = 1', 2, "is not a name"),
    ("version = 1" + TARGET + TARGET.replace("targets.t", "targets.T"), 6, "would share one key, SKILLSYNC_T_API_KEY"),
    ('version = 1\n[dataset.d]\nkeys = "input"', 3, '[dataset.d] keys must be "id" or "content"'),
    ('version = 1\n[review]\nfail_on = "note"', 3, "[review] fail_on must be error, warning or never"),
    ('version = 1\n[review]\nrequire_ack = ["all"]', 3, "'all': only permissions, archive, trigger"),
    ('version = 1\n[review]\nignore = ["X"]', 3, "'X', which is no rule such as X-PIPE"),
    ('version = 1\n[review.levels]\nX-PIPE = "off"', 2, "X-PIPE = 'off': must be error, warning or note"),
    ('version = 1\n[review]\ndirft = "fail"', 3, "is not an option (did you mean drift?)"),
    ('version = 1\nreview = 1', 2, "must be a section: [review]"),
    ('version = 1\n[dataset.d]\nfields = "x"', 3, "fields must be a table"),
    ('version = 1\n[dataset.d.fields]\ninptu = "x"', 2, "'inptu', which is no field (did you mean input?)"),
    ('version = 1\n[dataset.d.fields]\ninput = ""', 2, "fields must be text that is not empty"),
    (
        'version = 1\n[dataset.d.fields]\ninput = "x"\nid = "x"',
        2,
        "fields reads two fields from one name",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), BAD, ids=[message for _, _, message in BAD])
def test_a_wrong_option_is_named_with_its_line(text: str, line: int | None, message: str) -> None:
    found = problems(text)
    assert [where for where, said in found if message in said] == [line], found


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        'version = 1\nskills = ["/a"]\npublish_branch = ""\n[targets.t]\nhost = "x"\nproject = 0\n'
    )
    assert [line for line, _ in found] == [2, 3, 5, 6]
    with pytest.raises(SettingsInvalid) as caught:
        read("vers = 1\nx = 1")
    assert "skillsync.toml has 3 problems" in caught.value.message
    assert caught.value.exit_code == 2
    assert caught.value.code == "E-CONFIG"


@pytest.mark.parametrize(
    "line",
    [
        f'api_key = "{CANARY}"',
        f'  "api-key" = "{CANARY}"',
        f"TOKEN='{CANARY}'",
        'api_key = "something-without-a-prefix"',
        'password = "something-without-a-prefix"',
        'secret_token = "something-without-a-prefix"',
        f'host = "https://{CANARY}@us.posthog.com"',
        f"# my key is {CANARY}",
        f"project = 1 # {CANARY.replace('phx_', 'pha_')}",
        f'x = {{ y = "{CANARY.replace("phx_", "phs_")}" }}',
    ],
)
def test_a_key_in_the_file_is_refused_without_printing_it(line: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read(f"version = 1\n\n[targets.t]\n{line}\n")
    (problem,) = [one for one in caught.value.problems if one.line == 4]
    assert "looks like a key" in problem.message
    others = [repr(one) for one in caught.value.problems]
    for said in (str(caught.value), repr(caught.value), caught.value.hint, *others):
        assert "CANARY" not in said
        assert "something-without" not in said


def test_a_key_and_what_else_is_wrong_are_said_together_in_the_order_of_the_file() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read(
            f'version = 1\nskillz = []\n# {CANARY}\n[targets.t]\nhost = "x"\nproject = ["{CANARY}"]\n'
        )
    assert [one.line for one in caught.value.problems] == [2, 3, 5, 6]
    assert "CANARY" not in str(caught.value)
    with pytest.raises(SettingsInvalid) as caught:
        read(f"# {CANARY}\nversion = \n")
    assert [one.line for one in caught.value.problems] == [1, 2]
    assert "column 11" in caught.value.problems[1].message


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'version = 1\nskills = ["\xff"]', 2),
        (b"version = 1\nskills = [\n", None),
        (b"version = 1\nversion = 1\n", 2),
        (b"\x00", 1),
        (b"x = " + b"[" * 200_000, None),
    ],
)
def test_what_is_not_toml_is_refused(data: bytes, line: int | None) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_settings(data, root=ROOT)
    if line is not None:
        assert caught.value.problems[0].line == line


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    data = b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode()
    assert parse_settings(data, root=ROOT) == read(WHOLE)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_settings_or_refused(data: bytes) -> None:
    try:
        settings = parse_settings(b"version = 1\n" + data, root=ROOT)
    except SettingsInvalid:
        return
    assert settings.root == ROOT


PATTERNS: list[tuple[tuple[str, ...] | None, str, str, bool]] = [
    (None, "a", "", True),
    (None, "a", "scout", False),
    (("*",), "a", "scout", True),
    (("*", "!scratch-*"), "scratch-x", "", False),
    (("*", "!scratch-*"), "a", "", True),
    (("*", "!scratch-*", "scratch-keep"), "scratch-keep", "", True),
    (("!scratch-*",), "scratch-x", "", False),
    (("!scratch-*",), "a", "", True),
    (("!scratch-*",), "a", "scout", False),
    (("team-?",), "team-1", "", True),
    (("team-?",), "team-10", "", False),
    (("[ab]*",), "b", "", True),
    ((), "a", "", False),
]


@pytest.mark.parametrize(("patterns", "name", "category", "taken"), PATTERNS)
def test_the_last_pattern_that_matches_decides(
    patterns: tuple[str, ...] | None, name: str, category: str, taken: bool
) -> None:
    target = Target("t", "https://us.posthog.com", 1, skills=patterns)
    assert target.takes_skill(name, category) is taken


def test_a_dataset_is_taken_by_its_name_or_its_folder() -> None:
    target = Target("t", "https://us.posthog.com", 1, datasets=("cases", "!old*"))
    assert target.takes_dataset("The Cases", "cases")
    assert target.takes_dataset("cases")
    assert not target.takes_dataset("The Cases")
    assert not target.takes_dataset("cases", "old-cases")
    assert Target("t", "https://us.posthog.com", 1).takes_dataset("anything")


def test_the_variable_of_a_target_is_upper_case_with_underscores() -> None:
    assert Target("eu-1.x", "https://eu.posthog.com", 1).key_variable == "SKILLSYNC_EU_1_X_API_KEY"


# ---------------------------------------------------------------- files


def test_without_a_file_init_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotARepository) as caught:
        load_settings(tmp_path)
    assert caught.value.hint == "skillsync init"


def test_a_folder_a_pipe_or_a_huge_file_is_refused_without_reading(tmp_path: Path) -> None:
    path = tmp_path / SETTINGS_FILE
    path.mkdir()
    with pytest.raises(SettingsInvalid):
        load_settings(tmp_path)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(SettingsInvalid):
        load_settings(tmp_path)
    path.unlink()
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(SettingsInvalid):
        load_settings(tmp_path)


def test_a_root_that_is_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "repository"
    root.mkdir()
    (root / "skills").symlink_to(tmp_path / "outside")
    (root / SETTINGS_FILE).write_text("version = 1\n")
    with pytest.raises(SettingsInvalid, match="leads out of the repository"):
        load_settings(root)


LOCAL = Target("local", "http://127.0.0.1:8765", 1)


def test_what_init_writes_reads_back(tmp_path: Path) -> None:
    path = write_settings(
        tmp_path, target=LOCAL, skills=["agents"], datasets=["data"], publish_branch="main"
    )
    assert path == tmp_path / SETTINGS_FILE
    settings = load_settings(tmp_path)
    assert (settings.skills, settings.datasets) == (("agents",), ("data",))
    assert settings.publish_branch == "main"
    assert settings.target() == LOCAL
    assert [entry.name for entry in tmp_path.iterdir()] == [SETTINGS_FILE]


def test_a_second_target_leaves_comments_and_the_default_alone(tmp_path: Path) -> None:
    path = tmp_path / SETTINGS_FILE
    before = '# mine\nversion = 1  # one\ndefault_target = "a"\n\n[targets.a] # first\nhost = "https://a.example"\nproject = 1\n'
    path.write_text(before)
    write_settings(tmp_path, target=LOCAL)
    after = path.read_text()
    assert after.startswith(before)
    settings = load_settings(tmp_path)
    assert settings.target().name == "a"
    assert settings.target("local") == LOCAL


def test_a_known_target_gets_its_new_address_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / SETTINGS_FILE
    path.write_text(WHOLE)
    write_settings(tmp_path, target=Target("local", "http://127.0.0.1:4711", 3))
    assert load_settings(tmp_path).target("local").place == "127.0.0.1:4711/3"
    assert path.read_text() == WHOLE.replace(":8765", ":4711").replace(
        "project = 1\n", "project = 3\n"
    )


def test_nothing_to_change_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / SETTINGS_FILE
    path.write_text(WHOLE)
    stat = path.stat()
    write_settings(tmp_path, target=Target("local", "http://127.0.0.1:8765", 1))
    assert path.read_text() == WHOLE
    assert path.stat().st_ino == stat.st_ino


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid):
        write_settings(tmp_path, target=Target("a b", "https://a.example", 1))
    with pytest.raises(SettingsInvalid):
        write_settings(tmp_path, skills=["../x"])
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_says_how_a_team_works() -> None:
    text = settings_text(None, target=LOCAL)
    assert "# publish_branch" in text
    assert read(text).publish_branch is None
