"""What every view shares: routes, methods, media types, sizes (platform.md 2, 5, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.facts import JSON, a_skill, create, error, missing

if TYPE_CHECKING:
    import httpx

    from tests.server.conftest import Clients

HOST = "http://server.test"


@pytest.mark.parametrize("prefix", ["projects", "environments"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_prefixes_and_the_optional_slash_answer_alike(
    clients: Clients, prefix: str, slash: str
) -> None:
    client = clients(base=f"{HOST}/api/{prefix}/1/")
    made = create(client, files=[{"path": "a", "content": "x"}])
    assert client.get(f"llm_skills{slash}").json()["count"] == 1
    assert client.get(f"llm_skills/name/greet{slash}").json() == made
    assert client.get(f"llm_skills/resolve/name/greet{slash}").json()["skill"] == made
    changed = client.patch(f"llm_skills/name/greet{slash}", json={"base_version": 1})
    assert changed.json()["version"] == 2
    for path, status in (
        ("files-rename", 400),
        ("duplicate", 400),
        ("files", 400),
        ("archive", 204),
    ):
        assert client.post(f"llm_skills/name/greet/{path}{slash}", json={}).status_code == status
    assert client.get(f"datasets{slash}").status_code == 200
    assert client.get(f"dataset_items{slash}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/projects/1/llm_skillz", "/api/projects/1/llm_skills/tags",
     "/api/projects/1/llm_skills/search", "/api/projects/1/llm_skills/name/a/export",
     "/api/projects/1/llm_skills/name/a/rename", "/api/projects/1/datasets/x/archive",
     "/api/projects/1", "/api/personal_api_keys/7", "/api/projects/1/llm_skills/name/a%2Fb"],
)  # fmt: skip
def test_an_unknown_path_is_a_missing_feature(clients: Clients, path: str) -> None:
    for client in (clients(), clients(key=None)):
        assert error(client.get(f"{HOST}{path}"), 404) == missing("Endpoint not found.")


def test_a_body_that_is_not_json_is_a_parse_error(client: httpx.Client) -> None:
    for content in (b"{", b"", b"\xff", b"\xef\xbb\xbf{}", b"\x1f\x8b\x08"):
        answer = client.post("datasets", content=content, headers=JSON)
        body = error(answer, 400)
        if content:
            assert body["type"] == "invalid_request"
            assert body["code"] == "parse_error"
            assert body["detail"].startswith("JSON parse error - ")
            assert body["attr"] is None


def test_a_compressed_body_is_a_parse_error(client: httpx.Client) -> None:
    import gzip

    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = client.post("datasets", content=gzip.compress(b'{"name":"d"}'), headers=headers)
    assert error(answer, 400)["code"] == "parse_error"


def test_a_host_that_is_none_is_refused_quietly(
    client: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("datasets", headers={"Host": "a b"})
    assert error(answer, 400)["detail"] == "Bad request."
    assert capfd.readouterr().err == ""


def test_forms_are_read_and_other_types_are_refused(client: httpx.Client) -> None:
    assert client.post("datasets", data={"name": "d"}).json()["name"] == "d"
    assert client.post("datasets", files={"name": (None, "e")}).json()["name"] == "e"
    answer = client.post("datasets", content=b"x", headers={"Content-Type": "text/plain"})
    assert error(answer, 415) == {
        "type": "invalid_request",
        "code": "unsupported_media_type",
        "detail": 'Unsupported media type "text/plain" in request.',
        "attr": None,
    }


def test_only_json_is_answered(client: httpx.Client) -> None:
    answer = client.get("llm_skills", headers={"Accept": "text/html"})
    assert error(answer, 406) == {
        "type": "invalid_request",
        "code": "not_acceptable",
        "detail": "Could not satisfy the request Accept header.",
        "attr": None,
    }
    assert client.get("llm_skills").headers["Content-Type"] == "application/json"


def test_a_body_over_20_mb_is_a_413(client: httpx.Client) -> None:
    limit = 20 * 1024 * 1024
    filler = b" " * (limit - len(b'{"name":"d"}'))
    fits = client.post("datasets", content=filler + b'{"name":"d"}', headers=JSON)
    assert fits.status_code == 201
    answer = client.post("datasets", content=filler + b' {"name":"d"}', headers=JSON)
    assert error(answer, 413) == {
        "type": "invalid_request",
        "code": "request_too_large",
        "detail": "Request body exceeds the limit of 20971520 bytes.",
        "attr": None,
    }
    assert client.get("datasets").json()["count"] == 1


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    create(client, files=[{"path": "a", "content": "x"}])
    for path in (
        "llm_skills",
        "llm_skills/name/greet",
        "llm_skills/name/greet/files/a",
        "datasets",
    ):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(got.content))


def test_every_answer_names_the_allowed_methods(client: httpx.Client) -> None:
    assert client.get("llm_skills").headers["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert client.options("llm_skills/name/x").status_code == 200


def test_a_method_that_a_path_does_not_have_is_a_405(client: httpx.Client) -> None:
    for method, path in (("PUT", "llm_skills"), ("GET", "llm_skills/name/x/archive")):
        body = error(client.request(method, path), 405)
        assert body["detail"] == f'Method "{method}" not allowed.'


def test_text_stays_what_it_was(client: httpx.Client) -> None:
    """Any character but NUL and lone surrogates comes back: no normalisation, no escaping lost."""
    body = "# \u00e9 e\u0301 \U0001f600 \u2028 \u0085 \u0001 <b>&amp;\"'\\ end"
    answer = client.post("llm_skills", json=a_skill(body=body))
    assert answer.json()["body"] == body
    assert client.get("llm_skills/name/greet").json()["body"] == body
