"""A command ends understood, interrupted or not understood, with the same words for people and programs."""

from __future__ import annotations

import errno
import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from skillsync.api.secret import Secret
from skillsync.cli.boundary import Run, command_boundary, wants_json
from skillsync.cli.bug_report import write_report
from skillsync.cli.main import LazyGroup
from skillsync.cli.options import api_key_file_option, json_option
from skillsync.config import SettingsInvalid
from skillsync.errors import (
    ConfigError,
    HostNotTrusted,
    InvalidContent,
    Locked,
    NotAuthenticated,
    RefusedForSafety,
    SkillsyncError,
    Unreachable,
    VersionConflict,
)
from skillsync.model import Problem

CANARY = "phx_CANARYcanary0123456789abcdef"


def run_command(
    body: Callable[[Run], int | None],
    words: list[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run ``body`` as the verb ``act`` of a group like ours."""

    @click.command()
    @json_option
    @command_boundary
    def act(run: Run) -> int | None:
        """Act."""
        return body(run)

    class OneVerb(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return act if cmd_name == "act" else super().get_command(ctx, cmd_name)

    group = OneVerb("skillsync")
    return CliRunner(env=dict(env or {})).invoke(group, ["act", *(words or [])])


def raising(error: BaseException) -> Callable[[Run], int | None]:
    def body(run: Run) -> int | None:
        run.out.data("a line of result")
        raise error

    return body


def returning(code: int | None) -> Callable[[Run], int | None]:
    def body(run: Run) -> int | None:
        return code

    return body


def test_the_returned_number_is_the_exit_code() -> None:
    assert run_command(returning(None)).exit_code == 0
    assert run_command(returning(3)).exit_code == 3


ERRORS: list[tuple[SkillsyncError, int]] = [
    (ConfigError("wrong", subject="x", unchanged="nothing", hint="do y"), 2),
    (NotAuthenticated("no key"), 7),
    (HostNotTrusted("no"), 7),
    (RefusedForSafety("too many"), 6),
    (Locked("busy"), 75),
    (Unreachable("away"), 75),
    (VersionConflict("moved", current=3, subject="s"), 3),
    (InvalidContent("bad", path="skills/a/SKILL.md", line=4), 1),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=[error.code for error, _ in ERRORS])
def test_understood_tells_what_why_what_not_and_what_next(error: SkillsyncError, code: int) -> None:
    result = run_command(raising(error))
    assert result.exit_code == code
    assert result.stdout == "a line of result\n"
    assert f"error: {error.message}" in result.stderr
    assert f"code: {error.code} (skillsync explain {error.code})" in result.stderr
    for said, label in ((error.unchanged, "unchanged"), (error.hint, "next")):
        assert (f"  {label}: {said}" in result.stderr) is bool(said)


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=[error.code for error, _ in ERRORS])
def test_the_same_as_one_json_document(error: SkillsyncError, code: int) -> None:
    result = run_command(raising(error), ["--json"])
    assert result.exit_code == code
    document = json.loads(result.stdout)
    assert list(document) == ["schema", "error"]
    assert document["schema"] == "skillsync.error/1"
    told = document["error"]
    assert list(told)[:6] == ["code", "message", "subject", "unchanged", "hint", "exit"]
    assert (told["code"], told["message"], told["exit"]) == (error.code, error.message, code)
    assert (told["subject"], told["hint"]) == (error.subject, error.hint)
    if isinstance(error, InvalidContent):
        assert (told["path"], told["line"]) == ("skills/a/SKILL.md", 4)


def test_all_problems_of_the_settings_are_told() -> None:
    problems = [
        Problem("E-CONFIG", "a is wrong", path="skillsync.toml", line=1),
        Problem("E-CONFIG", "b is wrong", path="skillsync.toml", line=2),
    ]
    result = run_command(raising(SettingsInvalid(problems)))
    assert "error: skillsync.toml: 2 problems" in result.stderr
    assert "skillsync.toml:1: a is wrong" in result.stderr
    document = json.loads(run_command(raising(SettingsInvalid(problems)), ["--json"]).stdout)
    assert [problem["line"] for problem in document["error"]["problems"]] == [1, 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), EOFError()])
def test_interrupted_is_130(error: BaseException) -> None:
    result = run_command(raising(error))
    assert result.exit_code == 130
    assert "error: interrupted" in result.stderr
    document = json.loads(run_command(raising(error), ["--json"]).stdout)
    assert (document["error"]["code"], document["error"]["exit"]) == ("E-INTERRUPTED", 130)


def test_the_systems_refusal_is_no_bug_of_ours() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/some/file")
    result = run_command(raising(error))
    assert result.exit_code == 1
    assert "error: the system refused: No space left on device" in result.stderr
    assert "on: /some/file" in result.stderr


def test_not_understood_is_70_with_a_report_and_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    result = run_command(raising(ZeroDivisionError(f"with {CANARY}")))
    assert result.exit_code == 70
    assert "error: skillsync made a mistake of its own: ZeroDivisionError" in result.stderr
    assert "Traceback" not in result.stderr
    (report,) = (tmp_path / ".git" / "skillsync" / "reports").iterdir()
    assert str(report) in result.stderr
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "ZeroDivisionError: with phx_***" in text
    assert "raise error" in text
    document = json.loads(run_command(raising(ZeroDivisionError()), ["--json"]).stdout)
    assert (document["error"]["code"], document["error"]["exit"]) == ("E-INTERNAL", 70)


def test_without_a_repository_the_report_goes_to_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report = write_report(ValueError("x"), argv=["a"], start=Path("/"))
    assert report is not None
    assert report.parent == tmp_path


def test_with_v_the_traceback_is_shown_without_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run_command(raising(ZeroDivisionError(CANARY)), ["-v"])
    assert "Traceback" in result.stderr
    assert "CANARY" not in result.output


def test_no_way_out_shows_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors must not hold keys; if one does, it still does not come out."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    unmarked = "oldCANARYkeyWithoutPrefix"
    secret = Secret(unmarked)
    for error in (
        ConfigError(f"a {CANARY}", subject=unmarked, unchanged=CANARY, hint=unmarked),
        click.UsageError(f"{CANARY} {unmarked}"),
        RuntimeError(f"{CANARY} {unmarked} {secret!r}"),
        OSError(errno.EACCES, "no", f"/{unmarked}"),
        SettingsInvalid([Problem("E-CONFIG", unmarked, path="x", line=1)]),
    ):
        for words in ([], ["--json"], ["-v"]):
            result = run_command(raising(error), words)
            assert result.exit_code != 0
            assert "CANARY" not in result.output, (error, words)
    assert "CANARY" not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_control_characters_of_strangers_are_shown_and_not_obeyed() -> None:
    error = ConfigError("a\x1b[2Jb\rc", subject="\u202eevil", hint="\x07x")
    result = run_command(raising(error))
    assert r"error: a\x1b[2Jb\rc" in result.stderr
    assert r"\u202eevil" in result.stderr
    for character in "\x1b\r\u202e\x07":
        assert character not in result.output


def test_after_the_commands_own_document_no_second_one_is_printed() -> None:
    def body(run: Run) -> int:
        run.out.emit_json("skillsync.act/1", {"done": True})
        raise Unreachable("away")

    result = run_command(body, ["--json"])
    assert result.exit_code == 75
    assert json.loads(result.stdout) == {"schema": "skillsync.act/1", "done": True}


def test_a_command_that_forgets_its_document_is_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run_command(returning(0), ["--json"])
    assert result.exit_code == 70
    assert json.loads(result.stdout)["error"]["code"] == "E-INTERNAL"


def test_in_json_mode_only_the_document_reaches_stdout() -> None:
    def body(run: Run) -> int:
        run.out.data("for people")
        run.out.table(["a"], [["b"]])
        run.out.note("narration")
        run.out.emit_json("skillsync.act/1", {"text": "\x1b[2J é"})
        return 0

    result = run_command(body, ["--json"])
    assert json.loads(result.stdout)["text"] == "\x1b[2J é"
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert "narration" in result.stderr


def test_a_broken_pipe_is_quiet() -> None:
    result = run_command(raising(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert result.exit_code == 141
    assert result.stderr == ""


def test_a_key_file_is_meant_from_where_the_command_acts(tmp_path: Path) -> None:
    seen: list[Path | None] = []

    @click.command()
    @api_key_file_option
    @command_boundary
    def act(run: Run, *, api_key_file: Path | None) -> None:
        """Act."""
        seen.extend((run.directory, api_key_file))

    CliRunner().invoke(act, ["-C", str(tmp_path), "--api-key-file", "keys/mine"])
    assert seen == [tmp_path, tmp_path / "keys" / "mine"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [(["status", "--json"], True), (["status"], False), (["x", "--", "--json"], False)],
)
def test_json_is_seen_even_in_words_that_make_no_sense(words: list[str], wanted: bool) -> None:
    assert wants_json(words) is wanted
