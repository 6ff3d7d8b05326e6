"""The check `skillsync/plan`: what a review leaves on a commit so that a push knows what passed. Pure (review.md 5.10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

NAME = "skillsync/plan"
_MOST_CHARS = 60_000
"""A check's text on GitHub ends at 65,535 characters."""

_PLAN = re.compile(r"sha256:[0-9a-f]{64}")
_FACTS = re.compile(
    r"plan=(?P<plan>[0-9a-f]{64}) base=(?P<base>[0-9a-f]{40}|[0-9a-f]{64}) mode=(?P<mode>online|offline)"
)


@dataclass(frozen=True, slots=True)
class Attestation:
    """What a review says about ``head``, compared with ``base``. ``ops`` are its operations' ids, removals first.

    ``passed``: every gate did. ``mode`` is online or offline. ``title`` and ``summary`` are for people.
    """

    head: str
    base: str
    plan: str
    mode: str
    passed: bool
    ops: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Pull:
    """A merged pull or merge request and the commit that its branch was at."""

    number: int
    head: str


class Checks(Protocol):
    """The checks of a repository's commits, whichever forge it is. Every call may raise a RemoteError."""

    def attest(self, said: Attestation) -> None:
        """Leave a check on ``said.head``."""

    def attested(self, commit: str) -> list[Attestation]:
        """Return the checks of ours on a commit, the newest first; what others left is none."""

    def pulls_of(self, commit: str) -> list[Pull]:
        """Return the merged pull requests that brought a commit."""


def facts_line(said: Attestation) -> str:
    """Return the one line that machines read."""
    plan = said.plan.removeprefix("sha256:")
    return f"plan={plan} base={said.base} mode={said.mode}"


def text_of_ops(said: Attestation) -> str:
    """Return the facts, then one operation a line, as many as fit."""
    lines = [facts_line(said)]
    room = _MOST_CHARS - len(lines[0])
    for number, op in enumerate(said.ops):
        room -= len(op) + 1
        if room < 0:
            lines.append(f"and {len(said.ops) - number} more")
            break
        lines.append(op)
    return "\n".join(lines)


def read_facts(text: str) -> tuple[str, str, str] | None:
    """Return plan id, base and mode that a first line of ours says, None for any other text."""
    found = _FACTS.fullmatch(text.partition("\n")[0].strip())
    return None if found is None else (f"sha256:{found['plan']}", found["base"], found["mode"])


def read_ops(text: str) -> tuple[str, ...]:
    """Return the operations of a text of ours."""
    return tuple(line for line in text.split("\n")[1:] if _PLAN.fullmatch(line))


def leave(checks: Checks, said: Attestation) -> bool:
    """Leave a check unless the newest one says the same; tell whether it was written."""
    there = checks.attested(said.head)[:1]
    same = [(one.plan, one.base, one.mode, one.passed) for one in there]
    if same == [(said.plan, said.base, said.mode, said.passed)]:
        return False
    checks.attest(said)
    return True


def reviews_behind(checks: Checks, commit: str) -> list[Attestation]:
    """Return what passed of a commit: its own check, else those of the pull requests that brought it.

    Of one commit the newest check counts alone: a later run may have found what an earlier one did not.
    """
    found = _passed(checks.attested(commit))
    if not found:
        heads = [one.head for one in checks.pulls_of(commit) if one.head != commit]
        found = [said for head in heads for said in _passed(checks.attested(head))]
    return found


def _passed(said: Sequence[Attestation]) -> list[Attestation]:
    return [one for one in said[:1] if one.passed]
