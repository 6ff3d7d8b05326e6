"""The client against servers that do their worst, and what of the key can be seen of it: nothing."""

from __future__ import annotations

import gzip
import logging
import ssl
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from skillsync.api import transport as wire
from skillsync.api.answers import Method
from skillsync.api.parallel import each
from skillsync.api.secret import Secret
from skillsync.api.telling import Untold
from skillsync.api.transport import Answer, Timeouts, Transport
from skillsync.errors import (
    BadAnswer,
    ConfigError,
    InvalidContent,
    NotFound,
    Refused,
    RemoteError,
    Throttled,
    Unreachable,
    VersionConflict,
)
from skillsync.model import Json
from tests.api.clients import KEY, Clock, client
from tests.api.raw_server import RawServer, Request, answer, serving

PATH = "/api/projects/1/llm_skills"
METHODS: tuple[Method, ...] = ("GET", "PATCH")


def scripted(*answers: bytes) -> Callable[[Request], Iterable[bytes]]:
    """One answer after the other, the last one for good."""
    left = list(answers)

    def respond(_: Request) -> Iterable[bytes]:
        yield left.pop(0) if len(left) > 1 else left[0]

    return respond


def test_a_request_is_what_the_platform_wants() -> None:
    with serving(answer({"ok": 1})) as server, client(server.url) as transport:
        got = transport.request("PATCH", PATH, query=(("a b", "ä&"),), json={"x": "é"})
    request = server.requests[0]
    assert got == Answer(200, {"ok": 1}, got.headers)
    assert request.target == f"{PATH}?a+b=%C3%A4%26"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("skillsync/")
    assert request.body == '{"x":"é"}'.encode()
    assert "cookie" not in request.headers


def test_one_connection_serves_many_requests_and_no_cookie_is_kept() -> None:
    with (
        serving(answer([], headers={"Set-Cookie": "session=1"})) as server,
        client(server.url) as transport,
    ):
        for _ in range(20):
            transport.request("GET", PATH)
        assert (transport.requests.reads, transport.requests.writes) == (20, 0)
    assert server.connections == 1
    assert not any("cookie" in request.headers for request in server.requests)


def test_a_connection_that_the_server_closed_is_replaced() -> None:
    with serving(answer([]), keep_open=False) as server, client(server.url) as transport:
        for _ in range(3):
            assert transport.request("GET", PATH).json == []
    assert server.connections >= 3


@pytest.mark.parametrize(
    "host",
    [
        "http://example.com",
        "http://10.0.0.1",
        "ftp://x",
        "https://u:p@x.com",
        "https://x.com/api",
        "",
    ],
)
def test_a_host_that_no_key_may_go_to_is_refused_before_anything(host: str) -> None:
    with pytest.raises(ConfigError):
        Transport(host=host, key=Secret(KEY))


@pytest.mark.parametrize("key", ["phx_a\r\nX: y", "phx_a b", "phx_a\n", "", "phx_ä", "phx_\x00"])
def test_a_key_that_would_break_the_header_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secret(key)
    assert not key.strip() or key.strip() not in str(caught.value)


# ---------------------------------------------------------------- repeating


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_a_read_is_repeated_when_the_server_fails(status: int) -> None:
    clock = Clock()
    respond = scripted(answer({"detail": "x"}, status=status), answer({"ok": 1}))
    with serving(respond) as server, client(server.url, clock=clock) as transport:
        assert transport.request("GET", PATH).json == {"ok": 1}
    assert len(server.requests) == 2
    assert clock.slept


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 302])
def test_a_refusal_is_final(status: int) -> None:
    with serving(answer({"detail": "x"}, status=status)) as server, client(server.url) as transport:
        for method in METHODS:
            with pytest.raises(RemoteError):
                transport.request(method, PATH)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_that_failed_is_never_repeated_and_is_indeterminate(
    status: int, method: Method
) -> None:
    with (
        serving(answer(b"<html>", status=status)) as server,
        client(server.url) as transport,
        pytest.raises(Unreachable) as caught,
    ):
        transport.request(method, PATH, json={})
    assert caught.value.indeterminate
    assert len(server.requests) == 1


def test_a_throttled_write_waits_as_told_and_goes_again_unchanged() -> None:
    clock = Clock()
    busy = answer({"detail": "x"}, status=429, headers={"Retry-After": "42"})
    with (
        serving(scripted(busy, busy, answer({}, status=201))) as server,
        client(server.url, clock=clock) as transport,
    ):
        transport.request("POST", PATH, json={"a": 1})
        assert transport.requests.writes == 3
    assert {request.body for request in server.requests} == {b'{"a":1}'}
    assert len(server.requests) == 3
    assert 84 <= sum(clock.slept) <= 90


def test_whoever_shows_progress_hears_of_answers_of_waits_for_the_limit_and_of_nothing_else() -> (
    None
):
    clock = Clock()
    busy = answer({"detail": "x"}, status=429, headers={"Retry-After": "42"})
    down = answer({"detail": "x"}, status=503)
    told: list[object] = []

    class Told(Untold):
        def waiting(self, seconds: float) -> None:
            told.append(round(seconds) // 10 * 10)

        def answered(self) -> None:
            told.append("answer")

        def expect(self, count: int) -> None:
            told.append(f"expect {count}")

    with (
        serving(scripted(busy, answer({}), down, answer({}))) as server,
        Transport(
            host=server.url,
            key=Secret(KEY),
            clock=clock,
            sleep=clock.sleep,
            telling=Told(),
        ) as transport,
    ):
        found = each([1, 2], lambda _: transport.request("GET", PATH), transport=transport)
        assert len(list(found)) == 2
    assert told == ["expect 2", 40, "answer", "answer"]


def test_once_stopped_nothing_is_sent_and_nobody_waits_any_longer() -> None:
    """The rate limit lets one request a minute through; eight threads wait for it when somebody gives up."""
    with (
        serving(answer({})) as server,
        Transport(host=server.url, key=Secret(KEY), pace=1) as transport,
    ):
        found = each(
            range(20), lambda _: transport.request("GET", PATH), transport=transport, workers=8
        )
        assert next(found)[0] == 0
        waiting = threading.Timer(0.05, transport.stop)
        waiting.start()
        before = time.monotonic()
        with pytest.raises(Unreachable, match="was not sent: interrupted"):
            list(found)
        assert time.monotonic() - before < 5
        with pytest.raises(Unreachable):
            transport.request("POST", PATH, json={})
        waiting.join()
    assert len(server.requests) == 1


def test_patience_with_a_throttling_server_ends() -> None:
    clock = Clock()
    busy = answer({"detail": "x"}, status=429, headers={"Retry-After": "400"})
    with (
        serving(busy) as server,
        client(server.url, clock=clock, timeouts=Timeouts(patience=1_000)) as transport,
        pytest.raises(Throttled) as caught,
    ):
        transport.request("POST", PATH, json={})
    assert caught.value.retry_after == 400
    assert len(server.requests) == 3
    assert clock.now <= 2_000


def test_a_longer_pause_than_our_patience_is_not_begun() -> None:
    clock = Clock()
    busy = answer({"detail": "x"}, status=429, headers={"Retry-After": "3600"})
    with (
        serving(busy) as server,
        client(server.url, clock=clock, timeouts=Timeouts(patience=60)) as transport,
        pytest.raises(Throttled),
    ):
        transport.request("GET", PATH)
    assert clock.slept == []
    assert len(server.requests) == 1


# ---------------------------------------------------------------- broken exchanges


def test_nobody_listening_is_unreachable_and_nothing_was_written() -> None:
    with serving(answer([])) as server:
        url = server.url
    with client(url) as transport:
        with pytest.raises(Unreachable) as write:
            transport.request("PATCH", PATH, json={})
        with pytest.raises(Unreachable):
            transport.request("GET", PATH)
    assert not write.value.indeterminate
    assert (transport.requests.writes, transport.requests.reads) == (1, 4)


def test_trouble_with_tls_is_named_and_not_tried_again() -> None:
    with serving(b"this is not TLS", keep_open=False) as server:
        secure = server.url.replace("http:", "https:")
        with client(secure) as transport, pytest.raises(Unreachable) as caught:
            transport.request("GET", PATH)
    assert caught.value.reason == "tls"
    assert caught.value.hint
    assert transport.requests.reads == 1


def test_a_name_that_nobody_knows_is_unreachable_and_nothing_was_written() -> None:
    """14.6 #113: as where nobody listens."""
    with client("https://nowhere.invalid") as transport:
        with pytest.raises(Unreachable) as write:
            transport.request("PATCH", PATH, json={})
        with pytest.raises(Unreachable, match=r"nowhere\.invalid") as read:
            transport.request("GET", PATH)
    assert not write.value.indeterminate
    assert read.value.exit_code == 75
    assert (transport.requests.writes, transport.requests.reads) == (1, 4)


CERTIFICATES = Path(__file__).parent / "certificates"
"""Made with openssl for the years until 2126; ``server.key`` belongs to all but ``ca``, and to nothing else."""


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' own authority is known, as SSL_CERT_FILE makes one known to users."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "ca.pem"))
    wire._tls.cache_clear()
    yield
    wire._tls.cache_clear()


def tls_of(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem", CERTIFICATES / "server.key")
    return context


def test_a_certificate_of_a_known_authority_is_taken(authority: None) -> None:
    with serving(answer([]), tls=tls_of("good")) as server, client(server.url) as transport:
        assert transport.request("GET", PATH).json == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("expired", "expired"), ("early", "not yet valid"), ("self", "self"), ("other", "127.0.0.1")],
)
def test_a_certificate_that_cannot_be_trusted_gets_no_key(
    authority: None, name: str, why: str
) -> None:
    """14.6 #119, #149: expired, of the future (or the clock is off), self-signed, another host's; a root that was
    withdrawn is one that is not known."""
    with serving(answer([]), tls=tls_of(name)) as server, client(server.url) as transport:
        with pytest.raises(Unreachable, match=why) as caught:
            transport.request("PATCH", PATH, json={})
        assert server.requests == []
    assert (caught.value.reason, caught.value.indeterminate) == ("tls", False)
    assert "this machine's clock" in caught.value.hint
    assert transport.requests.writes == 1


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_an_old_tls_is_refused(authority: None) -> None:
    """14.6 #119: TLS 1.0 is spoken by nobody who may have a key; http is another test's."""
    old = tls_of("good")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    with serving(answer([]), tls=old) as server, client(server.url) as transport:
        with pytest.raises(Unreachable) as caught:
            transport.request("GET", PATH)
        assert server.requests == []
    assert caught.value.reason == "tls"


def test_a_connection_closed_without_an_answer() -> None:
    with serving(b"", keep_open=False) as server, client(server.url) as transport:
        with pytest.raises(Unreachable) as write:
            transport.request("PATCH", PATH, json={})
        assert write.value.indeterminate
        assert len(server.requests) == 1
        with pytest.raises(Unreachable):
            transport.request("GET", PATH)
        assert len(server.requests) == 5


WHOLE = answer({"name": "ä", "list": [1, 2.5, None], "text": "x" * 40})


@pytest.mark.parametrize("length", range(0, len(WHOLE), 7))
def test_an_answer_cut_anywhere_is_an_error(length: int) -> None:
    with (
        serving(WHOLE[:length], keep_open=False) as server,
        client(server.url) as transport,
        pytest.raises((BadAnswer, Unreachable)) as caught,
    ):
        transport.request("PATCH", PATH, json={})
    assert caught.value.indeterminate


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("longer than announced", answer({"a": 1}, length=4)),
        ("shorter than announced", answer({"a": 1}, length=4_000)),
        ("negative length", answer({"a": 1}, length=-1)),
        ("two lengths", answer({"a": 1}, headers={"Content-Length": "3"})),
        ("not HTTP", b"SSH-2.0-OpenSSH\r\n\r\n"),
        ("no status", b"HTTP/1.1\r\n\r\n"),
        ("bad chunk", b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        ("endless chunk", b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n{"),
        ("no length, cut", b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\n\r\n{"),
        ("unknown coding", answer({"a": 1}, headers={"Content-Encoding": "br"})),
        ("not the gzip it says", answer({"a": 1}, headers={"Content-Encoding": "gzip"})),
        ("cut gzip", answer(gzip.compress(b"[]")[:-3], headers={"Content-Encoding": "gzip"})),
        ("two gzips", answer(gzip.compress(b"[]") * 2, headers={"Content-Encoding": "gzip"})),
        ("double gzip", answer(gzip.compress(b"[]"), headers={"Content-Encoding": "gzip, gzip"})),
    ],
)  # fmt: skip
def test_broken_framing_is_an_error(what: str, data: bytes) -> None:
    """14.6 #87; what is called something else than JSON: integration/test_bad_answers.py."""
    with (
        serving(data, keep_open=False) as server,
        client(server.url) as transport,
        pytest.raises((BadAnswer, Unreachable)),
    ):
        transport.request("GET", PATH)


def test_a_compressed_answer_is_read() -> None:
    packed = answer(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    with serving(packed) as server, client(server.url) as transport:
        assert transport.request("GET", PATH).json == {"a": 1}
    assert server.requests[0].headers["accept-encoding"] == "gzip"


# ---------------------------------------------------------------- size and time


def test_an_announced_size_over_the_cap_is_not_read() -> None:
    huge = answer(b"", length=5_000_000_000)
    with (
        serving(huge, keep_open=False) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer) as caught,
    ):
        transport.request("GET", PATH)
    assert caught.value.reason == "too-large"
    assert len(server.requests) == 1


def _endless(_: Request) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\n\r\n"
    while True:
        yield b" " * 65_536


def test_an_endless_body_stops_at_the_cap() -> None:
    """14.6 #89, without a length; what announces 5 GB and endless headers: beside it."""
    with (
        serving(_endless) as server,
        client(server.url) as transport,
        pytest.raises(BadAnswer) as caught,
    ):
        transport.request("GET", PATH, cap=1_000_000)
    assert caught.value.reason == "too-large"


def test_a_gzip_bomb_stops_at_the_cap() -> None:
    squeezer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeezer.compress(b" " * (1 << 20)) for _ in range(200)) + squeezer.flush()
    assert len(bomb) < 300_000
    packed = answer(bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with (
            serving(packed) as server,
            client(server.url) as transport,
            pytest.raises(BadAnswer) as caught,
        ):
            transport.request("GET", PATH, cap=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "too-large"
    assert peak < 10_000_000


def test_endless_headers_are_refused() -> None:
    def respond(_: Request) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 x\r\n"
        while True:
            yield b"X-More: " + b"y" * 4_000 + b"\r\n"

    with (
        serving(respond) as server,
        client(server.url) as transport,
        pytest.raises((BadAnswer, Unreachable)),
    ):
        transport.request("PATCH", PATH, json={})


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 x\r\n", b"HTTP/1.1 200 x\r\nContent-Type: application/json\r\n\r\n"],
    ids=["status line", "headers", "body"],
)
def test_a_server_that_drips_hits_the_deadline_of_the_whole_exchange(start: bytes) -> None:
    """14.6 #115: each byte comes well within the read timeout; only their sum takes too long."""
    servers: list[RawServer] = []

    def respond(request: Request) -> Iterator[bytes]:
        yield start
        for _ in range(200):
            if servers[0].stopping.wait(0.02):
                return
            yield b"X"

    limits = Timeouts(connect=5, read=5, total=0.3)
    began = time.monotonic()
    with serving(respond, keep_open=False) as server:
        servers.append(server)
        transport = Transport(host=server.url, key=Secret(KEY), timeouts=limits)
        with transport, pytest.raises(Unreachable) as caught:
            transport.request("GET", PATH)
    assert caught.value.reason == "deadline"
    assert time.monotonic() - began < 3
    assert len(server.requests) == 1


def test_a_silent_server_hits_the_read_timeout() -> None:
    held = threading.Event()

    def respond(_: Request) -> Iterator[bytes]:
        held.wait(5)
        yield b""

    with serving(respond) as server, client(server.url, timeouts=Timeouts(read=0.05)) as transport:
        with pytest.raises(Unreachable) as caught:
            transport.request("PATCH", PATH, json={})
        held.set()
    assert caught.value.indeterminate
    assert isinstance(caught.value.__cause__, Exception)


def test_what_cannot_be_sent_is_refused_before_a_request() -> None:
    with serving(answer({})) as server, client(server.url) as transport:
        bad: list[Json] = [{"x": "\ud800"}, {"x": float("nan")}, {"x": "y" * 21_000_000}]
        for value in bad:
            with pytest.raises(InvalidContent):
                transport.request("POST", PATH, json=value, subject="skill x")
    assert server.requests == []


def test_a_tag_is_named_and_a_304_is_its_answer() -> None:
    """The length of what was not sent may be named (RFC 9110, 8.6); the next answer is read as ever."""
    unchanged = answer(b"", status=304, headers={"ETag": 'W/"t"'}, length=1_000)
    with (
        serving(scripted(unchanged, answer({"ok": 1}))) as server,
        client(server.url) as transport,
    ):
        got = transport.request("GET", PATH, tag='W/"t"')
        assert (got.status, got.json, got.headers["etag"]) == (304, None, 'W/"t"')
        assert transport.request("GET", PATH).json == {"ok": 1}
    assert [one.headers.get("if-none-match") for one in server.requests] == ['W/"t"', None]


# ---------------------------------------------------------------- redirects and the key


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_is_followed_anywhere(status: int, method: Method) -> None:
    """14.6 #111: so that no name is looked up either (#113)."""
    with serving(answer({})) as other:
        port = other.url.rpartition(":")[2]
        for place in (
            f"{other.url}/api/x",
            f"http://localhost:{port}/",
            f"//127.0.0.1:{port}/",
            f"http://user:pass@127.0.0.1:{port}/",
            "https://us.posthog.com/api/",
            "/api/projects/1/elsewhere",
            "",
        ):
            redirect = answer(b"", status=status, headers={"Location": place})
            with (
                serving(redirect) as server,
                client(server.url) as transport,
                pytest.raises(BadAnswer) as caught,
            ):
                transport.request(method, PATH)
            assert caught.value.reason == "redirect"
            assert len(server.requests) == 1
    assert other.requests == []


def _hostile_answers() -> list[bytes]:
    """Answers that repeat the key wherever a server can put it."""
    key = {"detail": f"no {KEY}", "code": KEY, "attr": KEY}
    return [
        *(answer(key, status=status) for status in (400, 401, 403, 404, 405, 409, 429, 500, 503)),
        answer({**key, "current_version": 2}, status=409),
        answer(b"", status=302, headers={"Location": f"https://{KEY}.example/{KEY}"}),
        answer(KEY.encode(), kind=KEY),
        answer(b"[]", kind=f"application/json; charset={KEY}"),
        answer(b"[]", headers={"Content-Encoding": KEY}),
        answer(b"{", status=200),
        b"HTTP/1.1 " + KEY.encode() + b"\r\n\r\n",
        KEY.encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 x\r\n" + KEY.encode() + b"\r\n\r\n",
        answer(b"[]", length=100),
        b"",
    ]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("data", _hostile_answers(), ids=range(len(_hostile_answers())))
def test_the_key_shows_in_no_log_repr_or_error(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    limits = Timeouts(connect=5, read=5, total=20, patience=100)
    with serving(data, keep_open=False) as server:
        transport = client(server.url, timeouts=limits)
        with transport:
            for method in METHODS:
                with pytest.raises(RemoteError) as caught:
                    transport.request(method, PATH)
                for error in _chain(caught.value):
                    shown += [repr(error), str(error), vars(error), error.args]
                shown += traceback.format_exception(caught.value)
        shown += [repr(transport), str(transport), caplog.text]
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert not any(KEY in request.target for request in server.requests)
    assert KEY.lower() not in "\n".join(map(str, shown)).lower()


@pytest.mark.parametrize(
    "data", [b"", answer(b"[]", length=9), answer({"detail": "x"}, status=500), answer(b"{")]
)
def test_no_local_variable_in_a_crash_report_holds_the_key(data: bytes) -> None:
    """A report that prints the variables of every frame shows our frames and those of the libraries."""
    with (
        serving(data, keep_open=False) as server,
        client(server.url) as transport,
        pytest.raises(RemoteError) as caught,
    ):
        transport.request("PATCH", PATH)
    frames = [
        frame
        for error in _chain(caught.value)
        for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack
        if "/tests/" not in frame.filename
    ]
    assert frames
    assert not any(KEY in str(frame.locals) for frame in frames)


def test_nothing_of_the_frames_below_httpx_hangs_on_an_error() -> None:
    """Their local variables hold the header; a crash report may print them."""
    with (
        serving(b"", keep_open=False) as server,
        client(server.url) as transport,
        pytest.raises(Unreachable) as caught,
    ):
        transport.request("PATCH", PATH)
    cause = caught.value.__cause__
    assert "disconnected" in str(cause)
    assert [error.__traceback__ for error in _chain(cause)] == [None]


# ---------------------------------------------------------------- imports and threads


def test_httpx_comes_without_its_command_line_and_only_here() -> None:
    """``import httpx`` would load rich and its own command line: 60 ms for nothing."""
    script = (
        "import sys, skillsync.api\n"
        "assert 'httpx' not in sys.modules\n"
        "import skillsync.api.transport, skillsync.api.skills, skillsync.api.datasets\n"
        "assert 'httpx' in sys.modules\n"
        "bad = {'rich', 'click', 'git', 'django', 'pygments'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_threads_share_a_transport_with_a_connection_each() -> None:
    barrier = threading.Barrier(4, timeout=5)

    def respond(_: Request) -> Iterator[bytes]:
        barrier.wait()
        yield answer([])

    with serving(respond) as server, client(server.url) as transport:
        threads = [
            threading.Thread(target=lambda: [transport.request("GET", PATH) for _ in range(5)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert transport.requests.reads == 20
    assert server.connections == 4


def test_errors_of_an_api_answer_keep_their_class_over_the_wire() -> None:
    table: list[tuple[bytes, type[RemoteError]]] = [
        (answer({"detail": "Not found."}, status=404), NotFound),
        (answer(b"", status=405, kind=""), Refused),
        (answer({"detail": "x", "current_version": 3}, status=409), VersionConflict),
    ]
    for data, kind in table:
        with serving(data) as server, client(server.url) as transport, pytest.raises(kind):
            transport.request("DELETE", PATH)


def test_the_latency_of_the_fastest_answer_is_known() -> None:
    with serving(answer([])) as server, Transport(host=server.url, key=Secret(KEY)) as transport:
        before = transport.latency
        transport.request("GET", PATH)
        after = transport.latency
    assert before is None
    assert after is not None
    assert 0 < after < 5
    assert transport.is_local
