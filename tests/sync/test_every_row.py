"""Every row of the tables of sync.md 7 has a test in a clean tree, a dirty one and on a detached HEAD, or says why not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.sync import test_dataset_table, test_skill_files, test_skill_rows

TESTS = Path(__file__).parents[1]
ROWS = (
    *(f"S{number}" for number in range(1, 28)),
    *(f"F{number}" for number in range(1, 24)),
    *(f"D{number}" for number in range(1, 7)),
    *(f"I{number}" for number in range(1, 25)),
)

IN_TABLES = {
    *(case.id.split("_")[0].upper() for case in test_skill_rows.CASES),
    *(case.id.split("_")[0].upper() for case in test_dataset_table.CASES),
    *(case[0].rstrip("r") for case in (*test_skill_files.CLEAN, *test_skill_files.CONFLICTS)),
}
"""Rows of the tables that are played in all three states."""

ELSEWHERE = {
    "S12": ("sync/test_team.py", "test_an_older_job_is_superseded"),
    "F19": (
        "sync/test_skill_files.py",
        "test_colliding_paths_of_the_server_are_refused_as_a_whole",
    ),
    "F20": ("sync/test_skill_files.py", "test_another_content_type_is_no_change"),
    "F21": (
        "sync/test_skill_files.py",
        "test_what_no_server_can_hold_stays_local_and_is_never_deleted",
    ),
    "F22": (
        "sync/test_skill_files.py",
        "test_a_path_that_is_never_sent_is_not_written_but_carried_along",
    ),
    "F23": ("sync/test_skill_files.py", "test_a_hostile_path_of_the_server_is_never_written"),
    "I17": ("sync/test_versioned_rows.py", "test_an_erased_row_is_left_to_a_person"),
}
"""Rows whose tests have another shape; each of them plays all three states."""

REASONS = {
    "I23": "is D5",
    "I24": "is D6",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_test_or_a_reason(row: str) -> None:
    places = [row in IN_TABLES, row in ELSEWHERE, row in REASONS]
    assert sum(places) == 1, f"{row}: in the tables, elsewhere, without: {places}"


@pytest.mark.parametrize("row", ELSEWHERE)
def test_what_is_tested_elsewhere_is_there(row: str) -> None:
    path, name = ELSEWHERE[row]
    tree = ast.parse((TESTS / path).read_text())
    [test] = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == name]
    played = {one.value for one in ast.walk(test) if isinstance(one, ast.Constant)}
    assert {"dirty", "committed", "detached"} <= played
