"""Tells the demo: runs each command, shows it with its real output, and stops when it did something else."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from skillsync.errors import DemoFailed

if TYPE_CHECKING:
    from skillsync.cli.render import Output
    from skillsync.model import Json

PATIENCE = 60.0
"""How long one command may take (seconds)."""


@dataclass(frozen=True, slots=True)
class Done:
    """One command that was run: its words, exit code, and stdout and stderr in the order they came."""

    command: str
    exit: int
    output: str


@dataclass(slots=True)
class Step:
    """One chapter with the commands it ran."""

    title: str
    commands: list[Done] = field(default_factory=list)

    def as_json(self) -> dict[str, Json]:
        """Return the step as the demo's JSON document has it."""
        return {
            "title": self.title,
            "commands": [
                {"command": one.command, "exit": one.exit, "output": one.output}
                for one in self.commands
            ],
        }


@dataclass(slots=True)
class Teller:
    """Runs git and skillsync in ``root`` with ``environ`` and prints what happens on ``out``."""

    out: Output
    root: Path
    skillsync_command: tuple[str, ...]
    environ: Mapping[str, str]
    steps: list[Step] = field(default_factory=list)

    def step(self, title: str) -> None:
        """Begin a chapter."""
        self.steps.append(Step(title))
        self.out.data()
        self.out.data(f"{len(self.steps)}. {title}", style="heading")

    def say(self, text: str) -> None:
        """Print a sentence of the story."""
        self.out.data(f"  {text}")
        self.out.stdout.flush()

    def skillsync(self, *words: str, exits: int = 0, shown: str | None = None) -> str:
        """Run skillsync and return what it printed; ``shown`` is printed in its place. Raises DemoFailed."""
        color = ("--color", "always" if self.out.color else "never")
        return self._run("skillsync", words, (*self.skillsync_command, *color), exits, shown)

    def git(self, *words: str, exits: int = 0) -> str:
        """Run git and return what it printed. Raises DemoFailed when it ends with another exit code."""
        color = "always" if self.out.color else "never"
        return self._run("git", words, ("git", "-c", f"color.ui={color}"), exits, None)

    def look(self, *words: str) -> tuple[int, str]:
        """Run a command without showing it, to look and never to change anything: exit code and stdout."""
        name, *rest = words
        command = self.skillsync_command if name == "skillsync" else (name,)
        done = self._child((*command, *rest), errors=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def edit(self, who_edits: str, where: str, before: str, after: str) -> None:
        """Show an edit that somebody makes, as a minus and a plus line."""
        self.say(f"{who_edits} {where}:")
        self.out.data(f"    - {before}", style="removed")
        self.out.data(f"    + {after}", style="added")

    def check(self, holds: object, what: str) -> None:
        """Go on only if what was announced has really happened. Raises DemoFailed with ``what``."""
        if not holds:
            raise DemoFailed(f"step {len(self.steps)}: {what}: that is not so")

    def _run(
        self,
        name: str,
        words: tuple[str, ...],
        command: Iterable[str],
        exits: int,
        shown: str | None,
    ) -> str:
        line = shlex.join((name, *words))
        self.out.data(f"  $ {line}", style="cyan")
        self.out.stdout.flush()
        done = self._child((*command, *words))
        output = done.stdout.decode("utf-8", "replace")
        text = output if shown is None or done.returncode != exits else shown
        for each in text.splitlines():
            self.out.data(f"    {each}".rstrip())
        if done.returncode:
            self.out.data(f"    (exit {done.returncode})", style="dim")
        self.steps[-1].commands.append(Done(line, done.returncode, text))
        if done.returncode != exits:
            message = f"step {len(self.steps)}: `{line}` ended with exit code {done.returncode} instead of {exits}"
            raise DemoFailed(f"{message}:\n{text.strip()}" if self.out.json_mode else message)
        return output

    def _child(
        self, command: tuple[str, ...], *, errors: int = subprocess.STDOUT
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command,
                cwd=self.root,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DemoFailed(
                f"step {len(self.steps)}: `{shlex.join(command)}` took longer than {PATIENCE:.0f} seconds"
            ) from error
