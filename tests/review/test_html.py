"""The HTML report: no foreign text becomes an element, an attribute or anything that the policy would have to stop."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.review.render.escape import visible
from skillsync.review.render.html import (
    ITEMS_PAGE,
    PAGE,
    live_tools,
    render_html,
    render_pages,
)
from skillsync.review.render.rendered import TAGS, render_text
from skillsync.review.render.side_by_side import rows
from skillsync.review.values import Hunk, Line, Live, Review, Standing
from tests.api.raw_server import answer, serving
from tests.review.builders import a_dataset, a_review, a_skill
from tests.review.hostile import HOSTILE
from tests.review.test_renderings import hostile_review

VOID = {"meta", "br", "input", "hr"}


class Page(HTMLParser):
    """Every element with its attributes, what is open, and the texts of style and script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[tuple[str, tuple[tuple[str, str | None], ...]]] = set()
        self.open: list[str] = []
        self.comments: list[str] = []
        self.inner: dict[str, list[str]] = {"style": [], "script": []}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inner:
            self.inner[self.open[-1]].append(data)
        else:
            self.text += data


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


@cache
def plain() -> Page:
    """The same report with a harmless text in every place: what of its elements is ours."""
    return parsed(render_html(hostile_review("plain")))


def assert_is_ours(html: str) -> Page:
    page = parsed(html)
    rendered = {(tag, ()) for tag in TAGS}
    # The one difference that a text makes: whether an optional row or paragraph of ours is there.
    ours = plain().elements | rendered | {("td", (("colspan", "2"), ("class", "dim")))}
    assert page.elements <= ours
    assert page.open == []
    assert page.comments == []
    assert page.inner == plain().inner
    assert all(letter in "\n\t" or letter.isprintable() for letter in html)
    return page


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_becomes_an_element_or_an_attribute(text: str) -> None:
    assert_is_ours(render_html(hostile_review(text)))


def test_the_check_itself_sees_what_is_not_escaped() -> None:
    html = render_html(hostile_review("plain"))

    def is_seen(text: str) -> bool:
        try:
            assert_is_ours(html.replace("</main>", f"{text}</main>"))
        except AssertionError:
            return True
        return False

    assert not is_seen("plain")
    assert sum(map(is_seen, HOSTILE)) >= 20


_TEXT = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("`|<>@#*_~\n\r[]()!&:;%\\\"'/=-"), max_size=60
)  # fmt: skip


@given(text=_TEXT)
def test_no_markdown_becomes_more_than_plain_elements(text: str) -> None:
    html = render_text(text)
    page = parsed(html)
    assert page.elements <= {(tag, ()) for tag in TAGS}
    assert page.open == []
    assert visible(html, lines=True) == html


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**a** <b>x</b>", "<p><strong>a</strong> &lt;b&gt;x&lt;/b&gt;</p>"),
        ("## Head", "<p>## Head</p>"),
        ("[click](https://evil.example/x)", "<p>click → <code>https://evil.example/x</code></p>"),
        ("<https://evil.example>", "<p>https://evil.example → <code>https://evil.example</code></p>"),
        ("![pixel](https://evil.example/p.png)", "<p><code>image: pixel → https://evil.example/p.png</code></p>"),
        ("[![a](b)](c)", "<p><code>image: a → b</code> → <code>c</code></p>"),
        ("a\u202eb", "<p>a⟦U+202E⟧b</p>"),
        ("a&#8238;b", "<p>a⟦U+202E⟧b</p>"),
        ("```sh\nx\n```", "<pre><code>x\n</code></pre>"),
        ("<!-- hidden -->", "<p>&lt;!-- hidden --&gt;</p>"),
    ],
)  # fmt: skip
def test_links_images_headings_and_hidden_text_are_shown_as_what_they_are(
    markdown: str, html: str
) -> None:
    assert render_text(markdown).strip() == html


def test_the_policy_names_exactly_our_style_and_script() -> None:
    html = render_html(a_review())
    page = parsed(html)
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert found
    said = found[1].replace("&#39;", "'")
    for kind in ("style", "script"):
        digest = b64encode(hashlib.sha256("".join(page.inner[kind]).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in said
    assert said.startswith("default-src 'none'; ")
    assert "base-uri 'none'; form-action 'none'" in said
    assert "unsafe" not in said


def test_nothing_is_fetched_and_no_attribute_runs_or_styles() -> None:
    for tag, attributes in parsed(render_html(a_review())).elements:
        for name, value in attributes:
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "action"}
            assert name != "href" or str(value).startswith("#"), tag


def test_everything_of_a_review_is_in_it_and_the_same_review_gives_the_same_bytes() -> None:
    html = render_html(a_review())
    assert html == render_html(a_review())
    for text in ("deploy-runbook", "Bash(kubectl:*)", "anything happens.", "refund-evals", "rf-0192", "scripts/rollout.sh",
                 "license", "Rollback", "X-PIPE", "not passed", "elsewhere", "Limits"):  # fmt: skip
        assert text in parsed(html).text
    assert "<details id=" in html
    assert html.count("<details") == html.count(" open><summary>")


def test_it_can_be_read_by_keyboard_and_ear() -> None:
    html = render_html(a_review())
    assert '<a class="skip" href="#main">' in html
    assert all(landmark in html for landmark in ("<header>", "<nav aria-label=", '<main id="main">', "<footer>"))  # fmt: skip
    heads = re.findall(r"<th\b[^>]*>", html)
    assert heads
    assert all("scope=" in one for one in heads)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)
    assert '<span class="vh">removed: </span>' in html
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", html)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_matrix_of_permissions_has_the_store_beside_before_and_after() -> None:
    skill = replace(
        a_skill(), standing=Standing.DRIFT, live=Live(8, "me", "", (), (), ("Read", "Bash(rm:*)"))
    )
    text = re.sub(r"\s*<[^>]+>\s*", "|", render_html(a_review(skills=(skill,))))
    cells = re.sub(r"\|+", "|", text)
    assert "|Bash(kubectl:*)|no|yes|no|widened: nothing before contains it|" in cells
    assert "|Bash(rm:*)|no|no|yes|only in the store|" in cells
    unasked = replace(skill, standing=Standing.UNVERIFIED, live=None)
    assert live_tools(unasked) is None
    assert live_tools(replace(unasked, standing=Standing.CURRENT)) == ("Read",)


def test_a_report_that_is_too_long_has_its_items_on_a_second_page() -> None:
    review = a_review()
    assert render_pages(review) == {PAGE: render_html(review)}
    pages = render_pages(review, longest=1_000)
    assert list(pages) == [PAGE, ITEMS_PAGE]
    first, second = (parsed(pages[name]) for name in pages)
    assert ("a", (("href", f"{ITEMS_PAGE}#dataset-1"),)) in first.elements
    assert "rf-0192" not in first.text
    assert "deploy-runbook" in first.text
    assert any(dict(attributes).get("id") == "dataset-1" for _, attributes in second.elements)
    assert "rf-0192" in second.text
    without = replace(review, datasets=())
    assert list(render_pages(without, longest=1_000)) == [PAGE]


def _luminance(color: str) -> float:
    full = color if len(color) == 6 else "".join(letter * 2 for letter in color)
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_has_enough_contrast_in_both_themes() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    style = "".join(parsed(render_html(a_review())).inner["style"])
    themes = re.findall(r":root \{([^}]*)\}", style)
    assert len(themes) == 2
    for theme in themes:
        color = dict(re.findall(r"--(\w+): #([0-9a-f]{3,6})", theme))
        pairs = [
            (ink, back)
            for ink in ("ink", "dim", "link", "bad", "warn", "good")
            for back in ("page", "card")
        ]
        pairs += [("ink", back) for back in ("del", "delw", "ins", "insw")]  # fmt: skip
        for ink, back in pairs:
            lights = sorted((_luminance(color[ink]), _luminance(color[back])))
            assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, (ink, back)


def test_lines_stand_beside_what_replaced_them() -> None:
    lines = (Line("=", "a", 1, 1), Line("-", "x one", 2, None), Line("-", "y", 3, None), Line("+", "x two", None, 2))  # fmt: skip
    same, first, second = rows(Hunk(lines))
    assert same.before is not None
    assert same.after is not None
    assert first.before is not None
    assert first.after is not None
    assert [(word.op, word.text) for word in first.before.words] == [("=", "x "), ("-", "one")]
    assert [(word.op, word.text) for word in first.after.words] == [("=", "x "), ("+", "two")]
    assert second.before is not None
    assert second.after is None


# ---------------------------------------------------------------- in a browser

CHROMIUM = shutil.which("chromium")
PAYLOADS = (
    "<script>document.title='RAN'</script>", "<img src=x onerror=\"document.title='RAN'\">",
    "<svg onload=\"document.title='RAN'\">", "<iframe srcdoc=\"<script>parent.document.title='RAN'</script>\"></iframe>",
    "<details open ontoggle=\"document.title='RAN'\">", "<style onload=\"document.title='RAN'\"></style>",
)  # fmt: skip


def dumped(html: str, folder: Path, name: str, *flags: str) -> str:
    """Return the page as the browser has it once its scripts ran."""
    if CHROMIUM is None:
        if os.environ.get("TEST_CHROMIUM_REQUIRED"):
            pytest.fail("chromium is missing: apt install chromium")
        pytest.skip("chromium is missing: apt install chromium")
    path = folder / f"{name}.html"
    path.write_text(html, "utf-8")
    words: Sequence[str] = (
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000", *flags, "--dump-dom", path.as_uri(),
    )  # fmt: skip
    done = subprocess.run(words, capture_output=True, timeout=90, check=True)
    return done.stdout.decode("utf-8", "replace")


def everything_hostile() -> Review:
    """One report with every hostile text: as skills, as datasets, in sections and in findings."""
    parts = [hostile_review(text) for text in (*HOSTILE, *PAYLOADS) if len(text) < 1_000]
    return replace(
        a_review(),
        skills=tuple(skill for one in parts for skill in one.skills),
        datasets=tuple(dataset for one in parts for dataset in one.datasets),
        findings=tuple(finding for one in parts for finding in one.findings),
    )


@pytest.mark.slow
def test_in_a_browser_nothing_foreign_runs_and_our_own_script_does(tmp_path: Path) -> None:
    html = render_html(everything_hostile())
    shown = dumped(html, tmp_path, "report")
    assert "<title>skillsync review" in shown
    assert not re.search(r"<(img|svg|iframe|object|embed|link|base|form)\b", shown)
    # Our script reveals the bars that are hidden without it.
    assert 'data-bar="" hidden' in dumped(html.replace("<script>", "<template>").replace("</script>", "</template>"), tmp_path, "without")  # fmt: skip
    assert 'data-bar="" hidden' not in shown


@pytest.mark.slow
def test_in_a_browser_the_policy_alone_stops_what_was_not_escaped(tmp_path: Path) -> None:
    html = render_html(a_review(skills=(a_skill(),), datasets=(a_dataset(),)))
    unescaped = html.replace("<main", f"{''.join(PAYLOADS)}<main")
    assert "<title>RAN</title>" not in dumped(unescaped, tmp_path, "guarded")
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", unescaped)
    assert "<title>RAN</title>" in dumped(open_page, tmp_path, "control")


@pytest.mark.slow
def test_in_a_browser_no_request_leaves(tmp_path: Path) -> None:
    with serving(answer(b"x", kind="image/png")) as server:
        fetching = (
            f'<img src="{server.url}/a.png"><link rel=stylesheet href="{server.url}/b.css">'
            f'<script src="{server.url}/c.js"></script><style>body {{ background: url("{server.url}/d.png") }}</style>'
        )
        dumped(render_html(hostile_review(fetching)), tmp_path, "report")
        html = render_html(a_review()).replace("<main", f"{fetching}<main")
        dumped(html, tmp_path, "guarded")
        assert server.requests == []
        dumped(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html), tmp_path, "control")  # fmt: skip
        assert {request.path for request in server.requests} >= {"/a.png", "/b.css", "/c.js"}


AXE = Path(sys.prefix) / "npm/node_modules/axe-core/axe.min.js"
RUN_AXE = """<script>axe.run().then(found => {
  const out = document.createElement("pre");
  const seen = result => result.nodes.map(node => [result.id, result.impact, node.html.slice(0, 200)]);
  out.id = "axe";
  out.textContent = JSON.stringify({
    page: getComputedStyle(document.body).backgroundColor,
    violations: found.violations.flatMap(seen), unsure: found.incomplete.flatMap(seen),
    passed: found.passes.map(result => result.id)});
  document.body.append(out);
})</script>"""
THEMES = {"dark": ("rgb(21, 24, 28)", "0"), "light": ("rgb(255, 255, 255)", "1")}


def audited(html: str, folder: Path, theme: str) -> dict[str, Any]:
    """Return what axe-core finds in the page, all of it rendered, in a theme."""
    if not AXE.is_file():
        if os.environ.get("TEST_NPM_REQUIRED"):
            pytest.fail("axe-core is missing: make npm")
        pytest.skip("axe-core is missing: make npm")
    page, setting = THEMES[theme]
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    # What is far below the window is not laid out otherwise, and nothing can be said of its colours.
    whole = "<style>details { content-visibility: visible !important; }</style>"
    html = html.replace(
        "</body>", f"{whole}<script>{AXE.read_text('utf-8')}</script>{RUN_AXE}</body>"
    )
    shown = dumped(html, folder, theme, f"--blink-settings=preferredColorScheme={setting}", "--window-size=1280,9000",
                   "--virtual-time-budget=60000")  # fmt: skip
    answer = re.search(r'<pre id="axe">(.*?)</pre>', shown, re.DOTALL)
    assert answer is not None
    found: dict[str, Any] = json.loads(unescape(answer[1]))
    assert found["page"] == page
    assert "color-contrast" in found["passed"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_either_theme(tmp_path: Path, theme: str) -> None:
    found = audited(render_html(a_review()), tmp_path, theme)
    assert found["violations"] == []
    # It does not judge text of one sign; the sign's cell is judged by its words.
    assert {one[2] for one in found["unsure"]} <= {
        f'<span aria-hidden="true">{sign} </span>' for sign in "−+"
    }


@pytest.mark.slow
def test_axe_sees_what_is_wrong(tmp_path: Path) -> None:
    wrong = '<p style="color: #ccc">faint</p><img src="data:,"><main id="main">'
    found = audited(render_html(a_review()).replace('<main id="main">', wrong), tmp_path, "light")
    assert {"color-contrast", "image-alt"} <= {one[0] for one in found["violations"]}
