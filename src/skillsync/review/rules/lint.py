"""Rules L: everything `skillsync lint` says, and links that lead nowhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from skillsync.formats.checks import check_skill
from skillsync.formats.skill_folder import SKILL_FILE
from skillsync.model import Problem, Severity
from skillsync.review.rules.model import Hit, Subject, Text

_ELSEWHERE = frozenset(
    {
        "W-SKILL-BEHAVIOUR",
        "W-SKILL-EXTRA-KEY",
        "W-SKILL-MODES",
        "W-SKILL-BINARY",
        "W-SKILL-LARGE",
        "W-SKILL-LFS",
        "W-SKILL-LINK",
        "W-SKILL-SPECIAL",
        "W-SKILL-SECRET",
        "W-SKILL-TOOL-SPACE",
    }
)
"""Problems that another group says better: R, O, S, P."""

_LINK = re.compile(r"\[[^\]\n]{0,300}\]\(\s{0,3}<?([^)\s>]{1,500})")
_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})")
_MOST = 50


def check_lint(subject: Subject, texts: Iterable[Text]) -> Iterator[Hit]:
    """Yield the problems of head's skill; an error counts whenever it came, since nothing of it can be published."""
    reading = subject.after.reading
    if reading is None:
        return
    before = (
        {one.message for one in check_skill(subject.before.reading, secrets=False)}
        if subject.before.reading
        else set()
    )
    for problem in check_skill(reading, secrets=False):
        if problem.severity is Severity.NOTE or problem.code in _ELSEWHERE:
            continue
        is_new = problem.severity is Severity.ERROR or problem.message not in before
        yield problem_hit(problem, is_new=is_new)
    for text in texts:
        if text.path.lower().endswith(".md"):
            yield from check_links(subject, text)


def problem_hit(problem: Problem, *, is_new: bool = True) -> Hit:
    """Return a problem of ``lint`` as a hit: E-SKILL-NAME is L-SKILL-NAME."""
    return Hit(
        f"L-{problem.code[2:]}",
        problem.path,
        problem.line,
        problem.message,
        problem.message,
        fix=problem.fix,
        is_new=is_new,
    )


def check_links(subject: Subject, text: Text) -> Iterator[Hit]:
    """Yield the relative links of one Markdown file that lead to nothing of the skill."""
    here = {SKILL_FILE, *subject.after.entries}
    folders = {posixpath.dirname(path) for path in here}
    inside = text.path.removeprefix(f"{subject.dir}/") if subject.dir else text.path
    fence = ""
    said = 0
    for number, line in enumerate(text.text.split("\n"), start=1):
        found = _FENCE.match(line)
        if found and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else found[1]
        if fence or "](" not in line:
            continue
        for link in _LINK.finditer(re.sub(r"`[^`]{0,500}`", "", line[:20_000])):
            target = unquote(link[1].partition("#")[0].partition("?")[0])
            if not target or ":" in target or target.startswith(("/", "<", "{", "$")):
                continue
            place = posixpath.normpath(posixpath.join(posixpath.dirname(inside), target))
            if place in here or place in folders or place.startswith("..") or said >= _MOST:
                continue
            said += 1
            message = f"the link leads to {place}, which is not part of the skill"
            yield Hit("L-LINK", text.path, number, target, message, is_new=text.is_new(number))
