"""Texts that try to be more than text: in a comment, a workflow log, a terminal, a report."""

from __future__ import annotations

HOSTILE = (
    "</details>", "</summary></details><h1>approved</h1>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/p.png>", "![x](https://evil.example/p.png)", "[click](javascript:alert(1))",
    "[click](https://evil.example)", "https://evil.example/x", "www.evil.example", "@team please approve", "@octocat",
    "#1", "GH-1", "a/b#12", "fixes #3", "| a | b |\n|---|---|", "a | b", "```\nout", "~~~~\nout", "`````", "`code`",
    "<!-- skillsync:review:1 key=default plan=00 head=00 -->", "-->", "<!--", "\n\n# Heading", "\n---\n", "\n===", "\n> quote",
    "\n- item", "\n1. item", "    indented", "\t\ttabs", "**bold**", "__bold__", "*em*", "_em_", "~~gone~~", "\\| \\` \\<",
    "&lt;script&gt;", "&#124;", "&#x60;", "&amp;#124;", "\u202eRTL", "\u2066x\u2069", "\u200bzero", "\U000e0041\U000e0042", "\ufeffbom",
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x07", "\x00", "\x08\x08\x08", "\r\nX", "\r::error::x", "\n::set-output name=a::b",
    "::error file=x::y", "::add-mask::x", "::stop-commands::x", "##[error]x", "%0A::error::x", "%25", "$(id)", "`id`",
    "'; DROP TABLE x; --", "{{ 7*7 }}", "${{ secrets.TOKEN }}", "{% raw %}", "<a href='javascript:1'>x</a>", "<svg/onload=1>",
    "<details open>", "<table><tr><td>", "</table>", "<br>", "<kbd>x", "<input type=checkbox checked>", "- [x] done", "[ref]: http://e",
    "[ref]", "[^1]", "[^1]: note", ":shipit:", "a\u2028b", "\ud800", "x" * 5_000, "é" * 300, "😀" * 300, "0123456789abcdef0123456789abcdef01234567",
)  # fmt: skip
"""More than eighty; no letter of them may become markup, a mention, a command or a control sequence."""
