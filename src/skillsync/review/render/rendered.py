"""Foreign Markdown as HTML that can be nothing but text: no attribute, no link, no image, and an allow-list behind it.

Two walls: markdown-it-py with HTML off, whose links and images become text with their full destination, and nh3 with
the elements of `TAGS` and no attribute at all. What cannot be seen is written out before either looks at it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from skillsync.errors import MissingExtra
from skillsync.review.render.escape import visible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

TAGS = frozenset(
    {"p", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "hr", "br"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)
"""Every element that a foreign text can become."""

LONGEST = 200_000
"""Characters of one piece that is rendered; a longer one is shown raw only."""


def render_text(text: str) -> str:
    """Return the HTML of a Markdown text: elements of TAGS, no attributes. Raises MissingExtra."""
    import nh3

    html = _parser().render(visible(text, lines=True))
    clean = nh3.clean(html, tags=set(TAGS), attributes={}, link_rel=None, strip_comments=True)
    return visible(clean, lines=True)  # a character reference may have brought something back


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise needs_extra(error) from error
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("only_text", _only_text)
    return parser


def needs_extra(error: ImportError) -> MissingExtra:
    """Return the error of a report whose libraries are not installed."""
    return MissingExtra(
        f"the HTML report is an optional part of the package ({error.name} is missing)",
        unchanged="Nothing was written.",
        hint="pip install 'skillsync[review]'",
    )


def _only_text(state: StateCore) -> None:
    """Turn headings into paragraphs that keep their signs, links and images into their words and destinations."""
    signs = ""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            signs = "#" * int(token.tag[1:]) if token.type == "heading_open" else ""
            token.tag = "p"
        elif token.type == "inline":
            token.children = [
                *([_text(f"{signs} ")] if signs else []),
                *_flat(token.children or []),
            ]


def _flat(children: list[Token]) -> list[Token]:
    found: list[Token] = []
    open_links: list[str] = []
    for child in children:
        if child.type == "link_open":
            open_links.append(str(child.attrGet("href") or ""))
        elif child.type == "link_close":
            found += [_text(" → "), _code(open_links.pop())]
        elif child.type == "image":
            found.append(_code(f"image: {child.content} → {child.attrGet('src') or ''}"))
        else:
            found.append(child)
    return found


def _text(content: str) -> Token:
    from markdown_it.token import Token

    return Token("text", "", 0, content=content)


def _code(content: str) -> Token:
    from markdown_it.token import Token

    return Token("code_inline", "code", 0, content=content)
