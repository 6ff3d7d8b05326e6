"""Runs the command line in a process that ends itself with SIGKILL right after an effect on the disk.

``python -m tests.killed "replace SKILL.md" -C DIR pull`` dies once a file of that name was replaced, with ``"#17"``
instead right after the 17th effect, whatever it is.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from skillsync.cli.main import main
from skillsync.repo.disk import RealDisk
from tests.failing import DISK_EFFECTS

_effects = itertools.count(1)


def _fatal(name: str, deadly: str) -> Callable[..., None]:
    really = getattr(RealDisk, name)

    def effect(disk: RealDisk, *words: Any, **named: Any) -> None:
        really(disk, *words, **named)
        target = words[1] if name in {"create", "replace"} else (words or ("",))[0]
        if deadly in (f"#{next(_effects)}", f"{name} {target}"[: len(deadly)]):
            os.kill(os.getpid(), signal.SIGKILL)

    return effect


if __name__ == "__main__":
    _, deadly, *command = sys.argv
    for name in DISK_EFFECTS:
        setattr(RealDisk, name, _fatal(name, deadly))
    sys.argv = ["skillsync", *command]
    main()
