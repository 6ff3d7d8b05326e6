"""Runs the mutants of `core/` and holds those that survive against the answers in docs/mutation.md.

mutmut changes one thing at a time in every function of ``core/``; a change that neither mypy nor a test notices
survives. Each survivor has an answer in the document, below which stand the lines of all survivors that it answers.
The run fails on a survivor without an answer, and on an answer without a survivor. ``--write`` refreshes the numbers.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "mutants"
"""Where mutmut writes its copy of the project and its results; gone with ``make clean``."""
DOCUMENT = ROOT / "docs" / "mutation.md"
SECOND_LOOK = MUTANTS / "second-look.json"

_FATES = {"types": {37}, "tests": {1, 3}, "time": {-24, 24, 36, 152}, "survived": {0, 5, 33}}
"""mutmut's exit codes of a mutant that mypy, a test or the clock noticed, or nobody."""
_FENCE = re.compile(r"(?ms)^```diff\n(.*?)^```$")
_NUMBERS = re.compile(r"(?s)(<!-- numbers -->\n).*?(<!-- /numbers -->)")
_GENERATED = re.compile(r"\b(?:x_|xǁ\w+ǁ)(\w+?)__mutmut_(?:orig|\d+)\b")


@dataclass(frozen=True, order=True)
class Change:
    """What a mutant changed: the module and function, and the lines with their sign, without indentation.

    It has no number and no position, so that an answer stands until the line itself is written anew.
    """

    place: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((f"@ {self.place}", *self.lines))


@dataclass(frozen=True)
class Mutant:
    """One mutant by mutmut's name for it; ``exit_code`` None: it was not run."""

    name: str
    change: Change
    exit_code: int | None

    @property
    def module(self) -> str:
        """The module's name below ``core``."""
        return self.change.place.split(".")[0]

    @property
    def fate(self) -> str:
        """Who noticed it, or "survived"; whatever is none of these was never run to its end."""
        return next((fate for fate, codes in _FATES.items() if self.exit_code in codes), "not run")

    @property
    def is_noticed(self) -> bool:
        """Whether anybody noticed it."""
        return self.fate in {"types", "tests", "time"}


def change_of(place: str, original: str, mutated: str) -> Change:
    """Return what a mutant changed, of the source of a function and of the mutant, each under its generated name."""
    before, after = (_GENERATED.sub(r"\1", text).splitlines() for text in (original, mutated))
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    return Change(place, tuple(f"{x[0]} {x[1:].strip()}" for x in lines if x[0] in "+-"))


def read_answers(document: str) -> Counter[Change]:
    """Return the changes that the document answers: the lines below each ``@ place`` in its diff blocks."""
    answers: Counter[Change] = Counter()
    for block in _FENCE.findall(document):
        for part in re.split(r"(?m)^@ ", block)[1:]:
            place, *lines = part.rstrip().splitlines()
            answers[
                Change(place.strip(), tuple(f"{x[0]} {x[1:].strip()}" for x in lines if x))
            ] += 1
    return answers


def compare(survivors: Iterable[Change], answers: Counter[Change]) -> list[str]:
    """Return what is wrong: survivors without an answer, answers without a survivor."""
    found = Counter(survivors)
    unanswered = [
        f"survived, and has no answer:\n{each}" for each in sorted((found - answers).elements())
    ]
    stale = [
        f"answered, and does not survive:\n{each}" for each in sorted((answers - found).elements())
    ]
    return unanswered + stale


def numbers(mutants: Sequence[Mutant], day: str) -> str:
    """Return the document's table of a run."""
    by_module = {
        name: [each for each in mutants if each.module == name] for name in modules(mutants)
    }
    rows = [*by_module.items(), ("all", list(mutants))]
    lines = [
        f"Run of {day}.",
        "",
        "| module | mutants | mypy | tests | too slow | survived | not run |",
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for name, group in rows:
        count = Counter(each.fate for each in group)
        found = (count[fate] for fate in ("types", "tests", "time", "survived", "not run"))
        lines.append(" | ".join(("| " + name, str(len(group)), *map(str, found))) + " |")
    return "\n".join(lines) + "\n"


def modules(mutants: Iterable[Mutant]) -> list[str]:
    """Return the names of the modules that have mutants."""
    return sorted({each.module for each in mutants})


# ---------------------------------------------------------------- what mutmut wrote


def read_mutants(root: Path = MUTANTS) -> Iterator[Mutant]:
    """Yield all mutants of the last run: mutmut's results, and each function's lines in its copy of the module."""
    for results in sorted((root / "src/skillsync/core").glob("*.py.meta")):
        module = results.name.removesuffix(".py.meta")
        lines = results.with_suffix("").read_text("utf-8").splitlines(keepends=True)
        spans = json.loads(results.with_suffix(".spans").read_text("utf-8"))["spans"]
        source = {name: "".join(lines[start - 1 : end]) for name, (start, end) in spans.items()}
        for name, exit_code in json.loads(results.read_text("utf-8"))["exit_code_by_key"].items():
            own = name.rpartition(".")[2]
            function = own.rpartition("__mutmut_")[0]
            place = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
            change = change_of(f"{module}.{place}", source[f"{function}__mutmut_orig"], source[own])
            yield Mutant(name, change, exit_code)


def run_mutmut(names: Sequence[str]) -> int:
    """Run the mutants that were not run yet, or those named, with few examples of each law."""
    command = [sys.executable, "-m", "mutmut", "run", *names]
    environ = environment() | {"HYPOTHESIS_PROFILE": "few"}
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode


def environment() -> dict[str, str]:
    """Return the environment in which mutmut finds mypy, and mypy the package."""
    own = Path(sys.executable).parent
    return os.environ | {"PATH": f"{own}{os.pathsep}{os.environ['PATH']}", "MYPYPATH": "src"}


def look_again(name: str, module: str, settings: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether all tests pass with a mutant, in processes of its own: those of its module, then all and the model.

    mutmut gives a mutant the tests that call its function. What an import alone calls, the decision tables, is called
    by none of them, and by all. Here laws have as many examples as in ``make test``, too.
    """
    tests = sorted((MUTANTS / "tests/core").glob("test_*.py"))
    first = [str(path) for path in tests if f"core.{module} " in path.read_text("utf-8")]
    every = [*settings["pytest_add_cli_args_test_selection"], "tests/model"]
    environ = environment() | {
        "MUTANT_UNDER_TEST": name,
        "PYTHONPATH": os.pathsep.join((str(MUTANTS / "src"), str(MUTANTS))),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", *settings["pytest_add_cli_args"]]
    return all(
        subprocess.run(
            [*command, *chosen], cwd=MUTANTS, env=environ, capture_output=True, check=False
        ).returncode
        == 0
        for chosen in (first, every)
        if chosen
    )


def second_looks(mutants: Sequence[Mutant], answers: Counter[Change]) -> list[Mutant]:
    """Return the mutants as they are after a second look at those that neither died nor are answered."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    seen: dict[str, bool] = {}
    if SECOND_LOOK.exists():
        seen = json.loads(SECOND_LOOK.read_text("utf-8"))
    if not look_again("", "", settings):
        raise SystemExit("the tests fail without any mutant")
    lock = Lock()

    def look(mutant: Mutant) -> Mutant:
        key, exit_code = str(mutant.change), mutant.exit_code
        if exit_code is None or mutant.is_noticed or mutant.change in answers:
            return mutant
        if seen.get(key, True):
            survived = look_again(mutant.name, mutant.module, settings)
            with lock:
                seen[key] = survived
                SECOND_LOOK.write_text(json.dumps(seen, indent=1), "utf-8")
        return replace(mutant, exit_code=0 if seen[key] else 1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(look, mutants))


def main() -> int:
    """Run what was not run, compare, print what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="refresh the numbers in the document")
    parser.add_argument("--no-run", action="store_true", help="judge the last run")
    parser.add_argument("names", nargs="*", help="these mutants alone, with *; none: all")
    asked = parser.parse_args()
    if not asked.no_run and (code := run_mutmut(asked.names)):
        return code
    document = DOCUMENT.read_text("utf-8")
    answers = read_answers(document)
    mutants = second_looks(list(read_mutants()), answers)
    table = numbers(mutants, datetime.now(UTC).date().isoformat())
    if asked.write:
        text = _NUMBERS.sub(lambda match: f"{match[1]}{table}{match[2]}", document)
        DOCUMENT.write_text(text, "utf-8")
    trouble = compare((each.change for each in mutants if each.fate == "survived"), answers)
    unknown = [each.name for each in mutants if each.fate == "not run"]
    trouble += [f"never ran to its end: {name}" for name in unknown]
    print(table, *trouble, sep="\n")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
