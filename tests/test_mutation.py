"""What `make mutation` makes of mutmut's results: what changed, and which survivor has no answer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tools.mutation import (
    DOCUMENT,
    ROOT,
    Change,
    Mutant,
    compare,
    numbers,
    read_answers,
    read_mutants,
)

ORIGINAL = """\
def x_limit__mutmut_orig(count: int) -> int:
    return count + 1
"""
MUTATED = """\
def x_limit__mutmut_1(count: int) -> int:
    return count - 1
"""
CHANGE = Change("plan.limit", ("- return count + 1", "+ return count - 1"))
OTHER = Change("plan.Plan.of", ("- a = b", "+ a = None"))
ANSWERED = """\
Nobody counts.

```diff
@ plan.limit
- return count + 1
+ return count - 1
@ plan.Plan.of
-     a = b
+     a = None
```
"""


def results(root: Path, exit_code: int | None) -> Path:
    core = root / "src/skillsync/core"
    core.mkdir(parents=True)
    (core / "plan.py").write_text(f"# head\n{ORIGINAL}{MUTATED}")
    spans = {"x_limit__mutmut_orig": [2, 3], "x_limit__mutmut_1": [4, 5]}
    (core / "plan.py.spans").write_text(json.dumps({"version": 1, "spans": spans}))
    codes = {"skillsync.core.plan.x_limit__mutmut_1": exit_code}
    (core / "plan.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    return root


def test_a_mutant_is_known_by_its_place_and_the_lines_that_it_changed(tmp_path: Path) -> None:
    [mutant] = read_mutants(results(tmp_path, 0))
    assert mutant == Mutant("skillsync.core.plan.x_limit__mutmut_1", CHANGE, 0)
    assert (mutant.module, mutant.fate) == ("plan", "survived")


def test_each_fate_has_its_exit_codes() -> None:
    fates = {code: Mutant("x", CHANGE, code).fate for code in (0, 33, 1, 37, 36, None, 2)}
    assert list(fates.values()) == [
        *("survived", "survived", "tests", "types", "time", "not run", "not run")
    ]


def test_answers_are_read_whatever_their_indentation() -> None:
    assert read_answers(ANSWERED) == Counter([CHANGE, OTHER])
    assert read_answers("no block") == Counter()


def test_a_survivor_without_an_answer_is_told_and_so_is_an_answer_without_a_survivor() -> None:
    answers = read_answers(ANSWERED)
    assert compare([CHANGE, OTHER], answers) == []
    assert compare([OTHER], answers) == [f"answered, and does not survive:\n{CHANGE}"]
    assert compare([CHANGE, OTHER, CHANGE], answers) == [f"survived, and has no answer:\n{CHANGE}"]


def test_the_numbers_are_of_each_module_and_of_all() -> None:
    mutants = [Mutant("a", CHANGE, 1), Mutant("b", CHANGE, 37), Mutant("c", OTHER, 0)]
    mutants += [Mutant(name, Change("base.f", ()), code) for name, code in (("d", 36), ("e", None))]
    table = numbers(mutants, "2026-01-02")
    assert table.splitlines()[4:] == [
        "| base | 2 | 0 | 0 | 1 | 0 | 1 |",
        "| plan | 3 | 1 | 1 | 0 | 1 | 0 |",
        "| all | 5 | 1 | 1 | 1 | 1 | 1 |",
    ]


def test_every_answer_is_about_a_function_that_is_there() -> None:
    core = ROOT / "src/skillsync/core"
    for change in read_answers(DOCUMENT.read_text("utf-8")):
        module, *_, function = change.place.split(".")
        assert f"def {function}(" in (core / f"{module}.py").read_text("utf-8"), change
