"""``skillsync explain``: every stable code has its paragraph."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import skillsync
from skillsync.cli.explanation_texts import TEXTS
from skillsync.cli.explanations import all_explanations, error_classes
from skillsync.cli.main import cli

_CODE = re.compile(r'"([EWN]-[A-Z]+(?:-[A-Z0-9]+)*)"')


def codes_in_the_source() -> set[str]:
    package = Path(skillsync.__file__).parent
    files = [path for path in package.rglob("*.py") if path.name != "explanation_texts.py"]
    return {code for path in files for code in _CODE.findall(path.read_text("utf-8"))}


def test_every_code_that_the_program_says_is_explained() -> None:
    assert codes_in_the_source() - all_explanations().keys() == set()


def test_no_explanation_is_of_a_code_that_nobody_says() -> None:
    errors = {cls.code for cls in error_classes()}
    assert TEXTS.keys() - codes_in_the_source() - errors == set()


def test_every_error_class_has_its_exit_code_and_a_text() -> None:
    known = all_explanations()
    for cls in error_classes():
        assert known[cls.code].exit_code == cls.exit_code
        assert len(known[cls.code].text) > 40


def test_one_code_is_explained_whatever_its_case() -> None:
    result = CliRunner().invoke(cli, ["explain", "e-auth"])
    assert result.exit_code == 0
    assert result.stdout.startswith("E-AUTH  (exit 7)\n")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_without_a_code_all_are_listed_one_a_line() -> None:
    result = CliRunner().invoke(cli, ["explain"])
    listed = [line.split()[0] for line in result.stdout.splitlines()]
    assert listed == sorted(all_explanations())


@pytest.mark.parametrize(
    ("code", "hint"), [("E-AUHT", "skillsync explain E-AUTH"), ("zzz", "skillsync explain")]
)
def test_an_unknown_code_exits_2_with_the_nearest(code: str, hint: str) -> None:
    result = CliRunner().invoke(cli, ["explain", code, "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["hint"] == hint


def test_json_has_the_codes() -> None:
    document = json.loads(CliRunner().invoke(cli, ["explain", "E-USAGE", "--json"]).stdout)
    assert document["schema"] == "skillsync.explain/1"
    assert [(code["code"], code["exit"]) for code in document["codes"]] == [("E-USAGE", 2)]
