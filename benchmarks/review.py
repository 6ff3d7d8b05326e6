"""Review: 200 changed skills against parsing and rendering each file alone, 10,000 changed rows against reading them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from markdown_it import MarkdownIt

from benchmarks.figures import Figure, in_turns, seconds
from skillsync.formats.jsonl import parse_items
from skillsync.formats.skill_md import parse_skill_md
from skillsync.repo.git import Repository
from skillsync.review.compute import Request, compute, policy_at
from skillsync.review.ranges import find_range
from skillsync.review.render.formats import FORMATS, Options

SKILLS = 200
ROWS = 10_000
_SETTINGS = """\
version = 1
skills = ["skills"]
datasets = ["datasets"]
[targets.prod]
host = "https://us.posthog.com"
project = 1
"""
_WORDS = (
    "Ask who is affected, then write down since when, and answer within the hour of the report. "
)


def review_figures(folder: Path, *, rounds: int) -> Iterator[Figure]:
    """Make a repository with a range of each kind, and measure a review of it."""
    root = folder / "review"
    root.mkdir(parents=True)
    _git(root, "init", "-q", "-b", "main")
    before = [_skill(number, edited=False) for number in range(SKILLS)]
    after = [_skill(number, edited=True) for number in range(SKILLS)]
    one, two = _rows("before"), _rows("after")
    _write(root, {"skillsync.toml": _SETTINGS, **_named(before)})
    _write(root, {"datasets/big/items.jsonl": one})
    _commit(root)
    _git(root, "checkout", "-q", "-b", "skills")
    _write(root, _named(after))
    _commit(root)
    _git(root, "checkout", "-q", "-b", "rows", "main")
    _write(root, {"datasets/big/items.jsonl": two})
    _commit(root)
    yield from _skills(root, [*before, *after], rounds=rounds)
    yield from _datasets(root, rounds=rounds)


def _is_enough(least: Sequence[float]) -> bool:
    return least[0] <= 3 * least[1]


def _skills(root: Path, texts: Sequence[str], *, rounds: int) -> Iterator[Figure]:
    markdown = MarkdownIt("commonmark")

    def alone() -> None:
        for text in texts:
            markdown.render(parse_skill_md(text.encode(), path="SKILL.md").body)

    size = len(texts[0].encode())
    time, base = in_turns(
        [_reviewed(root, "main..skills", scan=False), alone], rounds=rounds, is_enough=_is_enough
    )
    name = f"review of {SKILLS} changed skills, offline, all formats"
    note = f"{size:,} bytes each; against parsing and rendering each file of both sides alone"
    yield Figure(name, time, 3, "ratio", baseline=base, note=note)
    yield Figure("  the same", time, 5, "seconds")
    scan = seconds(_reviewed(root, "main..skills", scan=True))
    yield Figure("  with the secrets scan", scan, 10, "seconds", note="added lines only")


def _datasets(root: Path, *, rounds: int) -> Iterator[Figure]:
    def alone() -> None:
        repo = Repository.open(root)
        for commit in ("main", "rows"):
            data = repo.show(commit, "datasets/big/items.jsonl")
            assert data is not None
            parse_items(data, path="items.jsonl")
        repo.close()

    time, base = in_turns(
        [_reviewed(root, "main..rows", scan=False, formats=()), alone],
        rounds=rounds,
        is_enough=_is_enough,
    )
    name = f"review of {ROWS:,} changed rows, offline"
    yield Figure(name, time, 3, "ratio", baseline=base, note="against reading both files from git")
    whole = seconds(_reviewed(root, "main..rows", scan=False))
    yield Figure("  with all formats", whole, 0, "shown", unit="s")


def _reviewed(
    root: Path, words: str, *, scan: bool, formats: Sequence[str] = tuple(FORMATS)
) -> Callable[[], None]:
    def run() -> None:
        repo = Repository.open(root)
        commits, _ = find_range(repo, words, {}, branch=None)
        settings, _ = policy_at(repo, commits.base, root)
        request = Request(commits, commits.base, date(2026, 8, 1), scan=scan)
        review = compute(repo, settings, settings.target(), request, connect=None)
        assert review.skills or review.datasets
        for name in formats:
            FORMATS[name].render(review, Options())
        repo.close()

    return run


# ---------------------------------------------------------------- the repository


def _skill(number: int, *, edited: bool) -> str:
    """Return a SKILL.md of some 12 kB; ``edited`` changes its description and two of its sections."""
    more = " It was changed." if edited else ""
    parts = [
        f"## Step {part}\n\n{_WORDS * 3}\n\n- first {part}\n- second\n\n```sh\ngit status\n```\n\n{_WORDS * 2}"
        + (more if part in {3, 12} else "")
        for part in range(24)
    ]
    head = f"---\nname: skill-{number}\ndescription: Handles case {number} when asked to.{more}\n---\n\n"
    return head + f"# Skill {number}\n\n" + "\n\n".join(parts) + "\n"


def _named(texts: Sequence[str]) -> Mapping[str, str]:
    return {f"skills/skill-{number}/SKILL.md": text for number, text in enumerate(texts)}


def _rows(word: str) -> str:
    return "".join(
        json.dumps(
            {
                "id": f"row-{number}",
                "input": {"subject": f"Question {number}", "body": _WORDS * 3},
                "expected_output": {"answer": f"{word} {number}", "label": "refund"},
                "metadata": {"source": "support", "priority": number % 5},
            }
        )
        + "\n"
        for number in range(ROWS)
    )


def _write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def _commit(root: Path) -> None:
    _git(root, "add", "-A")
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    _git(root, *who, "commit", "-q", "-m", "change")


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
