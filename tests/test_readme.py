"""README's tables name every option, every place of a key and every exit code, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from skillsync.cli import boundary
from skillsync.cli.explanations import error_classes
from skillsync.cli.options import EXIT_DIFFERENT, INTERRUPTED
from skillsync.config_schema import _DATASET, _REVIEW, _TARGET, _TOP
from skillsync.core.plan import OBJECT_CODES, RUN_CODES

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_configuration_table_has_every_option() -> None:
    table = section("Configuration").partition("| option |")[2].partition("\n\n")[0]
    first_cells = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    named = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted([*_TOP, *_TARGET, *_DATASET, *_REVIEW])


def test_the_exit_code_table_has_every_code_that_a_command_may_end_with() -> None:
    table = section("Exit codes")
    named = {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", table)}
    said = {0, 1, EXIT_DIFFERENT, INTERRUPTED, boundary.NOT_UNDERSTOOD}
    said |= {*RUN_CODES, *OBJECT_CODES, *(cls.exit_code for cls in error_classes())}
    assert named == said
