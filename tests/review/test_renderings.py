"""Renderings: every foreign text stays text, nothing hidden comes out raw, and a comment keeps to its budget."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from skillsync.review.render.escape import code, fenced, prose, visible
from skillsync.review.render.formats import FORMATS, Options
from skillsync.review.render.markdown import compose, render_markdown
from skillsync.review.values import (
    DatasetChange,
    FieldChange,
    FieldCount,
    Gate,
    Hunk,
    Item,
    ItemField,
    Kind,
    Level,
    Line,
    Live,
    LivePart,
    Moved,
    Overlap,
    Permissions,
    Project,
    Review,
    Section,
    Standing,
    Trigger,
    Words,
)
from tests.review.builders import a_dataset, a_finding, a_review, a_skill
from tests.review.hostile import HOSTILE

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = {"h3", "h4", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "b", "pre", "ol", "ul", "li", "sub"}  # fmt: skip


def hostile_review(text: str) -> Review:
    """A review with one text in every place that foreign text can be in."""
    hunk = Hunk((Line("-", text, 1, None), Line("+", text, None, 1)))
    skill = a_skill(
        text,
        dir=text,
        name_before=text,
        standing=Standing.CONFLICT,
        frontmatter=(FieldChange(text, "changed", text, text, carried=True),),
        permissions=Permissions("widened", (text,), (text,), (text,), (text,), (text,)),
        trigger=Trigger(text, text, (Words("-", text), Words("+", text)), 1, 1, (Overlap(text, 50),)),
        sections=(Section((text, text), "changed", 1, 1, 1, (hunk,)),),
        files=(replace(a_skill().files[0], path=text, renamed_from=text, kind="text", hunks=(hunk,)),),
        live=Live(8, text, text, (text,), (text,), (text,), (LivePart(text, (hunk,)),)),
    )  # fmt: skip
    field = ItemField(text, text, text, shown=True)
    dataset = a_dataset(
        text,
        dir=text,
        fields=(FieldCount(text, 1),),
        items=(Item(text, "changed", 1, text, (field,), Standing.CURRENT),),
    )
    finding = a_finding(
        subject=text, path=text, message=text, evidence=f"{text} ", fix=text, rule="X-PIPE"
    )
    other = replace(finding, rule=f"tool:{text}", tool="tool", level=Level.WARNING)
    return a_review(
        project=Project(text, text),
        skills=(skill,),
        datasets=(dataset,),
        moved=(Moved(Kind.SKILL, text, 1, 2),),
        findings=(finding, other, replace(finding, subject="")),
        gates=(
            Gate("drift", True, False, "", (text,)),
            Gate("archive", True, False, "", (text,)),
            Gate("permissions", True, False, "", (text,)),
        ),
    )


class Tags(HTMLParser):
    """Collects elements, attributes, what never closes, and the text outside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.comments: list[str] = []
        self.loose = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {f"{name}={value}" for name, value in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if "code" not in self.open:
            self.loose += data


def parsed(markdown: str) -> Tags:
    tags = Tags()
    tags.feed(GITHUB.render(markdown))
    return tags


def assert_is_safe(markdown: str, plain: Tags) -> None:
    found = parsed(markdown)
    assert found.seen <= OURS
    assert found.attributes <= {"class=language-diff"}
    assert found.open == []
    assert len(found.comments) == 1
    assert found.comments == plain.comments
    # A forge looks for these in text that is no code.
    assert not re.search(r"@\w|#\d|\bGH-\d|https?://|www\.|\b[0-9a-f]{40}\b", found.loose)


PLAIN = parsed(render_markdown(hostile_review("plain")))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_becomes_anything_but_text(text: str) -> None:
    review = hostile_review(text)
    markdown = render_markdown(review)
    assert_is_safe(markdown, PLAIN)
    rows = [line for line in markdown.split("\n") if line.startswith("|")]
    assert {row.count("|") for row in rows} <= {5, 7}
    for name, each in FORMATS.items():
        out = each.render(review, Options())
        assert all(letter in "\n\t" or letter.isprintable() for letter in out), name
    for line in FORMATS["github"].render(review, Options()).splitlines():
        assert re.fullmatch(r"::(error|warning|notice) [^:]*::[^\n\r]*", line)
        assert "::" not in line.partition("::")[2].partition("::")[0]
    json.loads(FORMATS["sarif"].render(review, Options()))
    json.loads(FORMATS["gitlab"].render(review, Options()))


def test_there_are_more_than_eighty_of_them() -> None:
    assert len(set(HOSTILE)) >= 80


def test_the_check_itself_sees_what_is_not_escaped() -> None:
    def breaks(text: str) -> bool:
        try:
            assert_is_safe(
                f"{render_markdown(a_review())}\n\n{text}", parsed(render_markdown(a_review()))
            )
        except AssertionError:
            return True
        return False

    assert not breaks("plain")
    assert sum(map(breaks, HOSTILE)) >= 30


def test_hostile_texts_of_any_length_keep_to_the_budget() -> None:
    long = "|<@" * 2_000
    findings = tuple(a_finding(subject=f"{long}{n}", message=long, rule=rule, path=long)
                     for n in range(60) for rule in ("P-WIDENED", "X-PIPE"))  # fmt: skip
    skills = tuple(a_skill(f"{long}{n}", standing=Standing.CONFLICT) for n in range(60))
    text = render_markdown(a_review(findings=findings, skills=skills))
    assert len(text.encode("utf-16-le")) // 2 <= 65_000
    assert "more of this kind" in text


_TEXT = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("`|<>@#*_~\n\r[]()!&:;%\\"), max_size=40
)


@given(text=_TEXT)
def test_no_string_breaks_inline_code_prose_or_a_fence(text: str) -> None:
    for inline in (code(text), prose(text)):
        found = parsed(f"| {inline} | x |\n|---|---|\n| {inline} | y |")
        assert found.seen <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
        assert found.open == []
        assert found.loose.count("y") >= 1
    tokens = GITHUB.parse(f"{fenced(text)}\n\nafter")
    assert [token.type for token in tokens] == [
        "fence", "paragraph_open", "inline", "paragraph_close",
    ]  # fmt: skip


@given(text=_TEXT)
def test_inline_code_shows_the_text_itself(text: str) -> None:
    shown = code(text, most=10_000)
    inner = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), shown.removeprefix("<code>").removesuffix("</code>"))  # fmt: skip
    assert unescape(inner) == unescape(visible(text))


# ---------------------------------------------------------------- budget


def many(count: int) -> Review:
    skills = tuple(a_skill(f"skill-{number:04}") for number in range(count))
    findings = tuple(a_finding(subject=f"skill-{number:04}") for number in range(count))
    items = tuple(
        Item(f"row-{number}", "changed", number, "", (ItemField("input", "a", "b", shown=True),), Standing.CURRENT)
        for number in range(500)
    )  # fmt: skip
    dataset: DatasetChange = a_dataset(items=items, changed=500)
    return a_review(skills=skills, datasets=(dataset,), findings=findings)


@pytest.mark.parametrize("count", [1, 60, 200, 500])
def test_a_comment_keeps_to_its_budget_and_counts_what_it_leaves_out(count: int) -> None:
    composed = compose(many(count))
    text = composed.text
    assert len(text.encode("utf-16-le")) // 2 <= 65_000
    assert len(text.encode()) <= 250_000
    found = parsed(text)
    assert found.open == []
    assert text.count("<details>") == text.count("</details>")
    shown = set(re.findall(r"skill&#45;(\d{4})", text))
    assert "Needs a decision" in text
    if count <= 200:
        assert len(shown) == count
    details = text.count("<details><summary><b><code>skill")
    assert details + composed.left_out.get("skills", 0) == count
    sample = len(re.findall(r"\| <code>row", text))
    assert sample + composed.left_out["items"] == 500
    if composed.left_out.get("skills"):
        assert f"{composed.left_out['skills']:,} skill" in text.split("Not shown here: ")[1]


@pytest.mark.parametrize("chars", [2_000, 5_000, 20_000])
def test_a_small_budget_loses_details_before_decisions(chars: int) -> None:
    text = render_markdown(many(30), max_chars=chars)
    assert "Needs a decision" in text
    assert text.startswith("<!-- skillsync:review:1 key=default plan=")
    if chars == 20_000:
        assert len(text) <= chars


def test_nothing_to_publish_is_one_line() -> None:
    empty = a_review(skills=(), datasets=(), moved=(), findings=(), gates=())
    empty = replace(empty, plan=replace(empty.plan, ops=()))
    lines = render_markdown(empty).split("\n")
    assert lines[1] == "### skillsync: nothing here is published"


def test_the_marker_takes_no_foreign_word() -> None:
    with pytest.raises(ValueError, match="key"):
        render_markdown(a_review(), key="x --> <b>")
    with pytest.raises(ValueError, match="address"):
        render_markdown(many(500), report_url="https://x.example/)[x](y")


def test_what_is_accepted_is_suppressed_in_sarif_and_silent_elsewhere() -> None:
    sarif = json.loads(FORMATS["sarif"].render(a_review(), Options()))
    results = sarif["runs"][0]["results"]
    assert [("suppressions" in one) for one in results] == [False, True]
    assert results[0]["partialFingerprints"]["skillsync/v1"].startswith("sha256:")
    assert len(json.loads(FORMATS["gitlab"].render(a_review(), Options()))) == 1
    assert FORMATS["github"].render(a_review(), Options()).count("::error") == 1


def _words(review: Review) -> Iterator[str]:
    yield from FORMATS["text"].render(review, Options()).split("\n")


def test_the_text_says_what_a_person_needs() -> None:
    lines = list(_words(a_review()))
    assert lines[0] == "1 new version, 1 dataset item · ❌ 2 things need you"
    assert any("v3 → v4" in line for line in lines)
    assert any("+Bash(kubectl:*)" in line for line in lines)
    assert any("gate drift: not passed" in line for line in lines)
