"""What may be the address of a server (sync.md 14.6 #143)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.origin import NotAnOrigin, is_loopback, is_region, parse_origin

GOOD = [
    ("https://us.posthog.com", "https://us.posthog.com"),
    ("https://us.posthog.com/", "https://us.posthog.com"),
    ("HTTPS://US.PostHog.com", "https://us.posthog.com"),
    ("https://eu.posthog.com:443", "https://eu.posthog.com"),
    ("https://posthog.example.org:8443", "https://posthog.example.org:8443"),
    ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
    ("http://127.9.9.9", "http://127.9.9.9"),
    ("http://localhost:80", "http://localhost"),
    ("http://[::1]:8765", "http://[::1]:8765"),
    ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ("https://10.0.0.7", "https://10.0.0.7"),
    ("https://xn--us-6kc.posthog.com", "https://xn--us-6kc.posthog.com"),
    ("https://under_score.internal", "https://under_score.internal"),
]

BAD = [
    ("", "empty"),
    ("us.posthog.com", "must start with https://"),
    ("https:/us.posthog.com", "must start with https://"),
    ("https:us.posthog.com", "must start with https://"),
    ("//us.posthog.com", "must start with https://"),
    ("ftp://us.posthog.com", "must start with https://"),
    ("javascript:alert(1)", "must start with https://"),
    ("https://", "names no host"),
    ("https://:443", "names no host"),
    ("https://us.posthog.com/project/1", "a path"),
    ("https://us.posthog.com//", "a path"),
    ("https://us.posthog.com?x=1", "a query"),
    ("https://us.posthog.com?", "a query"),
    ("https://us.posthog.com#f", "a query or a fragment"),
    ("https://me:pw@us.posthog.com", "user name"),
    ("https://us.posthog.com@evil.example", "user name"),
    ("https://@evil.example", "user name"),
    ("https://us.posthog.com.", "end with a dot"),
    ("https://us..posthog.com", "not a host name"),
    ("https://-us.posthog.com", "not a host name"),
    ("https://us%2eposthog.com", "not a host name"),
    ("https://us.posthog.com\\.evil.example", "backslash"),
    ("https://us.posthog.com\r\nX-Evil: 1", "whitespace or control"),
    ("https://us.posthog.com ", "whitespace or control"),
    ("https://us.posthog.com\x00", "whitespace or control"),
    ("https://аus.posthog.com", "xn--us-6kc.posthog.com"),
    ("https://us。posthog.com", "not an address|outside ASCII"),
    ("https://us.posthog.com:0", "port"),
    ("https://us.posthog.com:65536", "port"),
    ("https://us.posthog.com:abc", "port"),
    ("https://us.i.posthog.com", "https://us.posthog.com"),
    ("https://eu.i.posthog.com", "https://eu.posthog.com"),
    ("http://us.posthog.com", "plain http"),
    ("http://192.168.1.2:8765", "plain http"),
    ("http://localhost.evil.example", "plain http"),
    ("http://127.0.0.1.evil.example", "plain http"),
    ("http://0.0.0.0:8765", "plain http"),
    ("http://2130706433", "four of them"),
    ("http://0x7f.1", "four of them"),
    ("http://127.1", "four of them"),
    ("http://0177.0.0.1", "four of them"),
    ("https://[us.posthog.com]", "not an address|IPv6"),
    ("https://[::1", "not an address"),
    ("https://" + "a." * 130 + "com", "not a host name"),
]


@pytest.mark.parametrize(("text", "origin"), GOOD)
def test_an_address_has_one_spelling(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[repr(text)[:40] for text, _ in BAD])
def test_what_could_hide_another_host_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NotAnOrigin, match=reason):
        parse_origin(text)


def test_the_reason_never_repeats_a_password() -> None:
    with pytest.raises(NotAnOrigin) as caught:
        parse_origin("https://someone:hunter2@us.posthog.com/?token=hunter2")
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=40).map(lambda text: f"https://{text}") | st.text(max_size=40))
def test_any_text_is_an_origin_that_reads_back_as_itself_or_is_refused(text: str) -> None:
    try:
        origin = parse_origin(text)
    except NotAnOrigin:
        return
    assert parse_origin(origin) == origin
    assert "@" not in origin
    assert origin.isascii()


def test_regions_and_this_machine_are_told_apart() -> None:
    assert is_region("https://us.posthog.com")
    assert is_region("https://eu.posthog.com")
    assert not is_region("https://evil.posthog.com")
    assert not is_region("https://us.posthog.com:8443")
    assert is_loopback("http://127.0.0.1:8765")
    assert is_loopback("https://localhost")
    assert not is_loopback("https://localhost.evil.example")
