"""What an answer means: every row of platform.md 4 and 5, and bodies that lie."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.api.answers import Answer, Asked, NotJson, Raw, clean, parse_json, read_answer
from skillsync.errors import (
    BadAnswer,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Refused,
    RemoteError,
    Throttled,
    Unreachable,
    VersionConflict,
)
from skillsync.model import Json

JSON = "application/json"


def read(
    status: int,
    body: object = None,
    *,
    method: str = "GET",
    kind: str = JSON,
    headers: dict[str, str] | None = None,
) -> Answer:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    raw = Raw(status, {"content-type": kind, **(headers or {})}, data)
    asked = Asked(method, "/api/x", "skill x")
    return read_answer(asked, raw, hide=lambda text: text.replace("SECRET", "***"), now=0.0)


def envelope(code: str, detail: str, attr: str | None = None) -> dict[str, str | None]:
    return {"type": "whatever", "code": code, "detail": detail, "attr": attr}


TABLE: list[tuple[str, int, object, type[RemoteError]]] = [
    ("field", 400, envelope("blank", "This field may not be blank.", "body"), Refused),
    ("syntax", 400, envelope("parse_error", "JSON parse error"), Refused),
    ("bare 400", 400, {"detail": "Skill has reached the maximum of 2000 versions."}, Refused),
    ("no key", 401, envelope("not_authenticated", "no"), NotAuthenticated),
    ("bad key", 401, envelope("authentication_failed", "no"), NotAuthenticated),
    ("bad key as 403", 403, envelope("authentication_failed", "no"), NotAuthenticated),
    ("401 without JSON", 401, b"<html>", NotAuthenticated),
    ("scope", 403, envelope("permission_denied", "no"), NotAllowed),
    ("403 without JSON", 403, b"", NotAllowed),
    ("not found", 404, envelope("not_found", "Not found."), NotFound),
    ("bare 404", 404, {"detail": "Skill with name 'x' not found."}, NotFound),
    ("newest 404", 404, {"detail": "no", "type": "skill_not_found", "suggestions": []}, NotFound),
    ("a gateway's 404", 404, b"<html>nginx</html>", BadAnswer),
    ("an empty 404", 404, b"", BadAnswer),
    ("405 envelope", 405, envelope("method_not_allowed", "no"), Refused),
    ("405 empty", 405, b"", Refused),
    ("406", 406, envelope("not_acceptable", "no"), Refused),
    ("415", 415, envelope("unsupported_media_type", "no"), Refused),
    ("413 from a proxy", 413, b"<html>too large</html>", Refused),
    ("422", 422, {"detail": "no"}, Refused),
    ("stale base", 409, {"detail": "changed", "current_version": 7}, VersionConflict),
    ("stale base, odd", 409, {"detail": "changed", "current_version": "7"}, VersionConflict),
    ("path taken", 409, {"detail": "File 'P' already exists in skill 'N'."}, Refused),
    ("throttled", 429, envelope("throttled", "slow down"), Throttled),
    ("throttled, HTML", 429, b"<html>", Throttled),
    ("request timeout", 408, b"", Unreachable),
    ("500", 500, envelope("error", "A server error occurred."), Unreachable),
    ("500 text", 500, b"Traceback", Unreachable),
    ("502", 502, b"<html>bad gateway</html>", Unreachable),
    ("503", 503, envelope("database_unavailable", "in a moment"), Unreachable),
    ("504", 504, b"", Unreachable),
    ("no such status", 700, b"", BadAnswer),
    ("101", 101, b"", BadAnswer),
]


@pytest.mark.parametrize(("name", "status", "body", "kind"), TABLE, ids=[row[0] for row in TABLE])
def test_the_class_of_every_refusal(
    name: str, status: int, body: object, kind: type[RemoteError]
) -> None:
    for method in ("GET", "PATCH"):
        with pytest.raises(RemoteError) as caught:
            read(status, body, method=method)
        assert type(caught.value) is kind
        assert caught.value.status == status
        assert str(status) in str(caught.value)
        assert f"{method} /api/x" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "indeterminate"),
    [(500, True), (502, True), (503, True), (504, True), (408, True), (302, True), (400, False),
     (401, False), (403, False), (404, False), (409, False), (413, False), (429, False)],
)  # fmt: skip
def test_which_refused_writes_may_have_happened_all_the_same(
    status: int, indeterminate: bool
) -> None:
    with pytest.raises(RemoteError) as write:
        read(status, {"detail": "x"}, method="PATCH")
    with pytest.raises(RemoteError) as again:
        read(status, {"detail": "x"})
    assert write.value.indeterminate is indeterminate
    assert not again.value.indeterminate


def test_facts_travel_as_attributes() -> None:
    with pytest.raises(Refused) as refused:
        read(400, envelope("unique", "A skill with this name already exists.", "name"))
    assert (refused.value.reason, refused.value.field) == ("unique", "name")
    assert refused.value.subject == "skill x"
    with pytest.raises(VersionConflict) as stale:
        read(409, {"detail": "changed", "current_version": 7})
    assert stale.value.current == 7
    with pytest.raises(VersionConflict) as odd:
        read(409, {"detail": "changed", "current_version": True})
    assert odd.value.current is None
    with pytest.raises(Throttled) as throttled:
        read(429, {"detail": "x"}, headers={"retry-after": "12"})
    assert throttled.value.retry_after == 12.0
    with pytest.raises(Unreachable) as down:
        read(503, {"detail": "x"}, headers={"retry-after": "1"})
    assert down.value.retry_after == 1.0


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ("Endpoint not found.", "endpoint"),
        ("Project not found.", "project"),
        ("Not found.", "not_found"),
    ],
)
def test_a_missing_feature_a_missing_project_and_a_missing_object_are_told_apart(
    detail: str, reason: str
) -> None:
    with pytest.raises(NotFound) as caught:
        read(404, envelope("not_found", detail))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "detail",
    [
        "API key missing required scope 'dataset:write'",
        "API key does not have access to the requested project: ID 7.",
        "API key does not have access to the requested organization: ID 7.",
        "API keys with scoped projects are only supported on project-based endpoints.",
        "Organization 'X' does not allow using personal API keys. Contact an admin to enable them.",
        "You don't have access to the project.",
        "You do not have editor access to this resource.",
        "This action requires feature flag 'llm-analytics-datasets' to be enabled.",
        "This action does not support personal API key access",
    ],
)
def test_every_documented_403_says_what_to_do(detail: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        read(403, envelope("permission_denied", detail))
    assert detail in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_error_that_names_the_other_host(status: int) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(status, headers={"location": "https://user:SECRET@evil.example/login?key=SECRET"})
    assert caught.value.reason == "redirect"
    assert "evil.example" in str(caught.value)
    assert "user" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><p>login", "text/html; charset=utf-8"),
        (b"{}", "text/plain"),
        (b"{}", ""),
        (b"{}", "application/json; charset=latin-1"),
        (b"{}", 'application/json; charset="utf-16"'),
        (b"{}", "application/json, text/html"),
        (b"\xff\xfe{}", JSON),
        ("{}".encode("utf-16"), JSON),
        (b"\xef\xbb\xbf{}", JSON),
        (b"{} {}", JSON),
        (b'{"a": 1, "a": 2}', JSON),
        (b'{"a": {"b": 1, "b": 1}}', JSON),
        (b"[NaN]", JSON),
        (b"[Infinity]", JSON),
        (b"[-Infinity]", JSON),
        (b"[1e400]", JSON),
        (b"[" + b"9" * 5_000 + b"]", JSON),
        (b"[" * 200_000, JSON),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON),
        (b'["\\ud800"]', JSON),
        (b'{"\\uDFFF": 1}', JSON),
        (b'["tab\there"]', JSON),
    ],
    ids=str,
)
def test_a_success_that_is_not_json_is_a_bad_answer(body: bytes, kind: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(200, body, kind=kind, method="PATCH")
    assert "PATCH /api/x" in str(caught.value)
    assert caught.value.indeterminate


def test_json_that_is_fine_is_read() -> None:
    assert read(200, b' {"a": "\\ud83d\\ude00", "n": 123456789012345678901234567890} ').json == {
        "a": "😀",
        "n": 123456789012345678901234567890,
    }
    assert read(200, b"[]", kind="application/json; charset=UTF-8").json == []
    assert read(204).json is None


SAMPLE = json.dumps(
    {"name": "a", "files": [{"path": "ä/b", "n": 1.5}, None, True], "body": "x\n😀"}
).encode()


@pytest.mark.parametrize("length", range(1, len(SAMPLE)))
def test_json_cut_at_any_byte_is_refused(length: int) -> None:
    with pytest.raises(BadAnswer):
        read(200, SAMPLE[:length])


def _finite(value: Json) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


values: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values, st.booleans())
def test_every_json_value_comes_through(value: Json, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    with contextlib.suppress(NotJson):
        parse_json(data)


@given(st.text(max_size=2_000))
def test_a_servers_text_is_one_short_printable_line(text: str) -> None:
    shown = clean(text)
    assert len(shown) <= 300
    assert not set("\n\r\x1b\x00\u202e\u2028\u200b") & set(shown)


def test_the_key_is_taken_out_of_every_text_a_server_echoes() -> None:
    answers = [
        (400, {"detail": "SECRET", "code": "SECRET", "attr": "SECRET"}, {}),
        (404, {"detail": "SECRET"}, {}),
        (409, {"detail": "SECRET", "current_version": 1}, {}),
        (429, {"detail": "SECRET"}, {}),
        (500, {"detail": "SECRET"}, {}),
        (302, None, {"location": "https://SECRET/"}),
        (200, b"x", {"content-type": "SECRET"}),
        (200, b"{}", {"content-type": "application/json; charset=SECRET"}),
        (500, b"x", {"content-type": "text/SECRET"}),
    ]
    for status, body, headers in answers:
        with pytest.raises(RemoteError) as caught:
            read(status, body, headers=headers)
        shown = f"{caught.value!r} {vars(caught.value)}"
        assert "secret" not in shown.lower(), status
