"""Which formats a review can be rendered in, and what each file is called below `--out`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from skillsync.review.document import render_review
from skillsync.review.render.html import PAGE, render_html, render_pages
from skillsync.review.render.machines import render_github, render_gitlab, render_sarif
from skillsync.review.render.markdown import MAX_BYTES, MAX_CHARS, render_markdown
from skillsync.review.render.text import render_text
from skillsync.review.values import Review


@dataclass(frozen=True, slots=True)
class Options:
    """How a rendering is limited: a comment's characters (UTF-16 units) and bytes."""

    max_chars: int = MAX_CHARS
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Format:
    """A format's file below ``--out``; "" is for stdout in any case."""

    file: str
    render: Callable[[Review, Options], str]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "text": Format("", lambda review, _: render_text(review)),
        "markdown": Format(
            "review.md",
            lambda review, options: render_markdown(
                review, max_chars=options.max_chars, max_bytes=options.max_bytes
            ),
        ),
        "html": Format(PAGE, lambda review, _: render_html(review)),
        "json": Format("review.json", lambda review, _: render_review(review).decode("ascii")),
        "sarif": Format(
            "review.sarif",
            lambda review, _: render_sarif(review.findings, version=review.tool.version),
        ),
        "github": Format("", lambda review, _: render_github(review.findings)),
        "gitlab": Format("gl-code-quality.json", lambda review, _: render_gitlab(review.findings)),
    }
)
"""Every format by its name on the command line."""


def files_of(name: str, review: Review, options: Options) -> dict[str, str]:
    """Return what a format writes below ``--out``: texts by file name. A huge HTML report has two."""
    if name == "html":
        return render_pages(review)
    made = FORMATS[name]
    return {made.file: made.render(review, options)}
