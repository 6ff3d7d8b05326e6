"""In every row of the table a push or pull that dies is finished by the next (sync.md 7.1, 14.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillsync.errors import SkillsyncError
from tests.sync.crash import Run
from tests.sync.crash_stage import Scene, Stage
from tests.sync.harness import Clone, Live
from tests.sync.test_skill_rows import CASES, CURRENT_ALONE, Case, s20_renamed_there

ROWS = [
    pytest.param(case, "current" if case.build in CURRENT_ALONE else "seed", id=case.id)
    for case in CASES
]
VERBS = [pytest.param(Clone.push, id="push"), pytest.param(Clone.pull, id="pull")]


def stage(case: Case, verb: Run, solo: Clone, folder: Path) -> Stage:
    def command(clone: Clone) -> object:
        try:
            return verb(clone)
        except SkillsyncError as error:  # an answer, as exit codes are
            return error.code

    moved = ("skills/alpha", "skills/beta") if case.build is s20_renamed_there else ("", "")
    return Stage(Scene(case.id, case.build, command, (), moves_files=verb is Clone.pull,
                       again=(command, command), moved=moved), solo, folder)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("case", "live"), ROWS, indirect=["live"])
@pytest.mark.parametrize("verb", VERBS)
def test_in_every_row_what_dies_is_finished_by_the_next(
    case: Case, verb: Run, solo: Clone, live: Live, tmp_path: Path
) -> None:
    """Two of its effects; the scenes of test_crash_push.py and test_crash_pull.py have each."""
    stage(case, verb, solo, tmp_path).strike_some(2)


@pytest.mark.soak
@pytest.mark.parametrize(("case", "live"), ROWS, indirect=["live"])
@pytest.mark.parametrize("verb", VERBS)
def test_in_every_row_what_dies_at_any_effect_is_finished_by_the_next(
    case: Case, verb: Run, solo: Clone, live: Live, tmp_path: Path
) -> None:
    stage(case, verb, solo, tmp_path).strike_everywhere()
