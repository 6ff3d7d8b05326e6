"""What looks like a key is found by line and kind, and ordinary text is left alone."""

from __future__ import annotations

import pytest

from skillsync.formats.secret_text import secret_lines

LONG = "aB3dE6gH9" * 5
KEYS = {
    f"phx_{LONG}": "a PostHog key",
    f"sk-{LONG}": "an API key",
    f"sk-ant-{LONG}": "an API key",
    "AKIA" + "A1B2" * 4: "an AWS access key",
    f"ghp_{LONG[:36]}": "a GitHub token",
    f"github_pat_{LONG}": "a GitHub token",
    f"glpat-{LONG[:20]}": "a GitLab token",
    f"xoxb-{LONG}": "a Slack token",
    f"AIza{LONG[:35]}": "a Google API key",
    "-----BEGIN OPENSSH PRIVATE KEY-----": "a private key",
    "-----BEGIN PRIVATE KEY-----": "a private key",
}


@pytest.mark.parametrize("key", KEYS)
def test_each_kind_is_named_with_its_line(key: str) -> None:
    """14.6 #147: the line and the kind, never the value."""
    text = f"first\n\nTOKEN={key}\nlast {key} {key}\n"
    assert list(secret_lines(text)) == [(3, KEYS[key]), (4, KEYS[key])]


@pytest.mark.parametrize(
    "text",
    [
        "phc_" + LONG,  # a project's token is public
        "phx_...",
        "export SKILLSYNC_API_KEY=phx_your_key",
        "scikit-learn, sk-learn-contrib and sk-image",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-example",
        "ghp_short",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "task-" + "word-" * 12,
        "",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert list(secret_lines(text)) == []
