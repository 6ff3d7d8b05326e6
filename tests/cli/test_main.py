"""The console script: lazy, with the exit codes and the JSON of design.md 6."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from skillsync import __version__
from skillsync.cli.main import VERBS, cli, module_of

HEAVY = ("httpx", "git", "django", "rich", "yaml", "tomlkit", "frontmatter", "tenacity", "watchdog")
PROBE = """
import sys
from skillsync.cli.main import main
sys.argv = ["skillsync", *{words!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print("|".join(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
print("|".join(sorted(name for name in sys.modules if name.startswith("skillsync.cli.cmd_"))), file=sys.stderr)
"""


def existing() -> list[str]:
    return [verb for verb in VERBS if find_spec(module_of(verb)) is not None]


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["-h"], []])
def test_version_and_help_import_nothing_heavy_and_no_command(words: list[str]) -> None:
    probe = PROBE.format(words=words, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == "\n\n"
    assert done.stdout


@pytest.mark.parametrize("verb", ["trust", "explain"])
def test_a_commands_help_imports_only_that_command(verb: str) -> None:
    probe = PROBE.format(words=[verb, "--help"], heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == f"\nskillsync.cli.cmd_{verb}\n"


def test_the_version_is_the_packages() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"skillsync {__version__}\n")


def test_help_lists_the_verbs_that_exist_and_only_those() -> None:
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=200).stdout.partition("Commands:")[2]
    listed = [line.split()[0] for line in shown.splitlines() if line.startswith("  ")]
    assert [verb for verb in listed if verb in VERBS] == existing()


@pytest.mark.parametrize("verb", existing())
def test_the_table_has_each_commands_own_short_help(verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    assert command.name == verb
    assert command.get_short_help_str(limit=200) == VERBS[verb]


@pytest.mark.parametrize("verb", existing())
def test_every_command_has_a_help(verb: str) -> None:
    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0
    assert f"skillsync {verb}" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exlpain"], "there is no command 'exlpain' (did you mean explain?)"),
        (["nonsense"], "there is no command 'nonsense'"),
        (["--nonsense"], "no such option"),
        (["explain", "--nonsense"], "no such option"),
        (["explain", "A", "B"], "unexpected extra argument"),
        (["-C", "/nowhere/at/all", "explain"], "there is no folder /nowhere/at/all"),
        (["trust", "--remove"], "--remove needs a HOST"),
    ],
)
def test_wrong_words_exit_2_and_are_json_when_asked(words: list[str], message: str) -> None:
    plain = CliRunner().invoke(cli, words)
    assert plain.exit_code == 2
    assert plain.stdout == ""
    assert "error: " in plain.stderr
    assert message in plain.stderr
    as_json = CliRunner().invoke(cli, [*words, "--json"])
    assert as_json.exit_code == 2
    document = json.loads(as_json.stdout)
    assert document["schema"] == "skillsync.error/1"
    assert document["error"]["code"] == "E-USAGE"
    assert document["error"]["exit"] == 2


def test_json_behind_two_dashes_is_a_word_and_not_an_option() -> None:
    result = CliRunner().invoke(cli, ["explain", "--nonsense", "--", "--json"])
    assert (result.exit_code, result.stdout) == (2, "")


def test_shared_options_may_stand_before_and_after_the_verb(tmp_path: Path) -> None:
    for words in (
        ["-C", str(tmp_path), "--color", "always", "-v", "explain", "E-AUTH"],
        ["explain", "E-AUTH", "-C", str(tmp_path), "--color", "always", "-v"],
    ):
        result = CliRunner().invoke(cli, words, color=True)
        assert result.exit_code == 0
        assert "\x1b[" in result.stdout


def test_a_verbs_module_that_cannot_be_used_is_a_bug_and_not_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr("skillsync.cli.cmd_explain.explain")
    result = CliRunner().invoke(cli, ["explain", "--json"])
    assert result.exit_code == 70
    assert json.loads(result.stdout)["error"]["code"] == "E-INTERNAL"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_console_script_leaves_with_the_exit_code() -> None:
    script = Path(sys.executable).with_name("skillsync")
    done = subprocess.run([script, "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_reader_that_goes_away_is_no_trouble() -> None:
    script = Path(sys.executable).with_name("skillsync")
    with subprocess.Popen(
        [script, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    assert told == b""
    assert process.returncode == 141
