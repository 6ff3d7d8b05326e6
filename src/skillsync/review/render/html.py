"""A review as one HTML file: no network, a policy by hash, readable without scripts (review.md 5.7).

Three walls stand between a foreign text and the page: Jinja2 escapes whatever is printed, `rendered.py` lets through
nothing but plain elements, and the Content-Security-Policy runs our one script and style by hash and loads nothing.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from skillsync.review.render.escape import visible
from skillsync.review.render.rendered import LONGEST, needs_extra, render_text
from skillsync.review.render.side_by_side import rows, text_of
from skillsync.review.render.words import (
    by_subject,
    counted,
    decisions,
    headline,
    intro,
    mark,
    place,
    version_step,
    what_changes,
)
from skillsync.review.values import Standing

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from skillsync.review.values import DatasetChange, Finding, Hunk, Review, SkillChange

_SELECTOR = "\ufe0f"


PAGE = "review.html"
ITEMS_PAGE = "review-datasets.html"
MAX_PAGE = 20_000_000
"""Characters of one page; a longer report has the items of its datasets on a second one."""


def render_pages(review: Review, *, longest: int = MAX_PAGE) -> dict[str, str]:
    """Return the report as files by name: one, or two where it would be longer than ``longest`` characters.

    Raises MissingExtra.
    """
    whole = render_html(review)
    if len(whole) <= longest or not any(one.items for one in review.datasets):
        return {PAGE: whole}
    named = {one.name for one in review.datasets}
    rows_only = replace(
        review,
        skills=(),
        moved=(),
        findings=tuple(one for one in review.findings if one.subject in named),
    )
    return {PAGE: render_html(review, items_page=ITEMS_PAGE), ITEMS_PAGE: render_html(rows_only)}


def render_html(review: Review, *, items_page: str = "") -> str:
    """Return the report. The same review gives the same bytes. Raises MissingExtra.

    ``items_page`` is the file that has the datasets' items, "" where this one has them.
    """
    template, style, script = _template()
    needs = headline(review)
    found: dict[str, list[Finding]] = defaultdict(list)
    for one in review.findings:
        found[one.subject].append(one)
    counts = by_subject(review)
    captions = _Captions()
    return template.render(
        review=review,
        items_page=items_page,
        style=_trusted(style),
        script=_trusted(script),
        policy=policy(style, script),
        counts=needs[0],
        needs=needs[1],
        intro=intro(review),
        decisions=decisions(review),
        scroll=captions.scroll,
        caption=captions.caption,
        findings_of=lambda name: found.get(visible(name), []),
        mark=lambda change: _mark(change, counts[visible(change.name)]),
    )


class _Captions:
    """Names a table's scrolling frame by the table's caption, whose text is no attribute."""

    def __init__(self) -> None:
        self.count = 0

    def scroll(self) -> Any:
        """Return the opening tag of the next table's frame, which the keyboard can reach and scroll."""
        self.count += 1
        return _trusted(
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{self.caption()}">'
        )

    def caption(self) -> str:
        """Return the id of the caption that belongs to the frame opened last."""
        return f"caption-{self.count}"


def policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy that lets exactly this style and this script be, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _mark(change: SkillChange | DatasetChange, findings: int) -> str:
    found = mark(change, findings)
    # Our own sign's variation selector would be written out like a foreign one.
    return f"{found.sign.removesuffix(_SELECTOR)} {found.word}"


@cache
def _template() -> tuple[Template, str, str]:
    folder = files("skillsync.review.render") / "report"
    text = (folder / "report.html.jinja").read_text("utf-8")
    style = (folder / "report.css").read_text("utf-8")
    return _environment().from_string(text), style, (folder / "report.js").read_text("utf-8")


def _environment() -> Environment:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise needs_extra(error) from error
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    environment.globals |= {
        "counted": counted,
        "live_tools": live_tools,
        "place": place,
        "rows": rows,
        "version_step": version_step,
        "what_changes": what_changes,
        "rendered": _rendered,
    }
    return environment


def live_tools(change: SkillChange) -> tuple[str, ...] | None:
    """Return the pre-approved tools of the skill in the store, None where nobody asked or it may not be shown."""
    if change.live is not None:
        return change.live.tools
    return {
        Standing.CURRENT: change.permissions.before,
        Standing.PUBLISHED: change.permissions.after,
        Standing.UNCHANGED: change.permissions.after,
    }.get(change.standing)


def _seen(value: Any) -> Any:
    """Write out what cannot be seen in whatever is printed; HTML of ours passes."""
    if hasattr(value, "__html__"):
        return value
    return visible(str(value), lines=True)


def _rendered(hunk: Hunk, sign: str) -> Any:
    """Return one side of a hunk as HTML, or a word about why not."""
    text = text_of(hunk, sign)
    if len(text) > LONGEST:
        return "too long to be rendered: see the raw text"
    return _trusted(render_text(text))


def _trusted(html: str) -> Any:
    """Take HTML for what it says: only the report's own files and what `rendered.py` has cleaned."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704  # the door's whole purpose
