"""Runs one pull or push in a process of its own and says what it cost: `python -m benchmarks.apart VERB FOLDER URL`."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.world import Clone, environment


@dataclass(frozen=True, slots=True)
class Run:
    """What one command did: its requests (method and path), the ``seconds`` it took and those of them it
    ``waited`` for answers, the MiB that its memory ``grew`` over what it needed to start, and those of them that it
    grew after the first row was sent."""

    made: list[tuple[str, str]]
    seconds: float
    waited: float
    grew: float
    sending_grew: float

    @property
    def writes(self) -> int:
        """How many requests could have changed something."""
        return sum(method != "GET" for method, _ in self.made)


def run_apart(verb: str, clone: Clone) -> Run:
    """Run ``pull`` or ``push`` in a process of its own; AssertionError unless all of it worked."""
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.apart", verb, str(clone.path), clone.url],
        cwd=root,
        env=environment(clone.path.parent) | {"PYTHONPATH": str(root)},
        check=True,
        stdout=subprocess.PIPE,
    )
    told = json.loads(done.stdout)
    made = [(method, path) for method, path in told.pop("made")]
    return Run(made, **told)


def _peak() -> float:
    """The most memory this process ever had, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands the other figure down from the process that started this one.
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) / (1 << 10)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Run the verb and print one JSON object."""
    verb, folder, url = sys.argv[1:]
    clone = Clone(Path(folder), url, memory=_peak)
    os.chdir(folder)
    before = _peak()
    started = time.perf_counter()
    report = clone.pull() if verb == "pull" else clone.push()
    taken = time.perf_counter() - started
    errors = [one for one in report.outcomes if one.exit]
    if errors:
        raise AssertionError(f"{verb} did not work: {errors[:3]}")
    peak = _peak()
    told = {
        "made": clone.made,
        "seconds": taken,
        "waited": clone.waited,
        "grew": peak - before,
        "sending_grew": peak - clone.at_first_row if clone.at_first_row else 0.0,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
