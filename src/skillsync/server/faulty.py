"""Carries the fault dial's troubles out: WSGI in front of the application, and waitress's socket for resets."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from skillsync.server.app import Application
    from skillsync.server.faults import Dial, Fault

_MEBIBYTE = 1 << 20
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing sends RST."""

_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"
_ENVELOPES = {
    401: ("authentication_error", "authentication_failed", "Authentication credentials were not provided."),
    403: ("authentication_error", "permission_denied", "You do not have permission to perform this action."),
    404: ("invalid_request", "not_found", "Not found."),
    429: ("throttled_error", "throttled", "Request was throttled."),
    500: ("server_error", "error", "A server error occurred."),
    503: ("server_error", "database_unavailable", "We couldn't reach the database just now. Please try again in a moment."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that is complete: status line, headers, body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def with_headers(self, **changes: str) -> Whole:
        """The same with some headers set; ``_`` in a name stands for ``-``."""
        wanted = {name.replace("_", "-"): value for name, value in changes.items()}
        gone = {name.lower() for name in wanted}
        kept = [(name, value) for name, value in self.headers if name.lower() not in gone]
        return Whole(self.status, [*kept, *wanted.items()], self.body)

    def send(self, start_response: StartResponse) -> list[bytes]:
        """Answer with it."""
        start_response(self.status, self.headers)
        return [self.body]


class Faulty:
    """The application behind a dial. ``rival`` is the key of whoever slips in between in a race."""

    def __init__(
        self,
        app: Application,
        dial: Dial,
        *,
        rival: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._dial = dial
        self._rival = rival
        self._clock = clock
        self._closing = threading.Event()
        self._memory = _Memory()
        self._edits = 0

    def end_waits(self) -> None:
        """Let every delayed request go on at once: the server is about to stop."""
        self._closing.set()

    def close(self) -> None:
        """Close the application."""
        self.end_waits()
        self._app.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, in trouble when the dial says so."""
        method, path = environ["REQUEST_METHOD"], path_below_project(environ["PATH_INFO"])
        fault = self._dial.pick(method, path)
        if fault is not None:
            act: Callable[..., Iterable[bytes]] = getattr(self, f"_{fault.kind}")
            return act(fault, environ, start_response)
        return self._remembering(method, path, environ, start_response)

    # -- troubles, one method per kind

    def _delay(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self._closing.wait(fault.seconds)
        return self._app(environ, start_response)

    def _slow(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        whole = self._carried_out(environ)
        size = max(fault.bytes, 1)
        start_response(whole.status, whole.headers)
        for start in range(0, len(whole.body), size):
            if start and self._closing.wait(fault.seconds):
                raise ClientDisconnected
            yield whole.body[start : start + size]

    def _race(
        self,
        fault: Fault,  # noqa: ARG002
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        self._slip_in(environ)
        return self._app(environ, start_response)

    def _lost_race(
        self,
        fault: Fault,  # noqa: ARG002
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """PostgreSQL's loser waited for a row that is no longer the latest (skills-api.md 9)."""
        self._slip_in(environ)
        name = path_below_project(environ["PATH_INFO"]).split("/")[2:3]
        body = {"detail": f"Skill with name '{''.join(name)}' not found."}
        return _json_answer(404, body).send(start_response)

    def _status(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if fault.when == "after":
            self._carried_out(environ)
        told = _ENVELOPES.get(fault.status)
        if told and not fault.content_type:
            kind, code, detail = told
            body = {"type": kind, "code": code, "detail": detail, "attr": None}
            whole = _json_answer(fault.status, body)
        else:
            page = _PAGE.format(_status_line(fault.status))
            whole = _answer(fault.status, page.encode(), fault.content_type or "text/html")
        if fault.retry_after:
            whole = whole.with_headers(Retry_After=fault.retry_after)
        return whole.send(start_response)

    def _reset(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        whole = None if fault.when == "before" else self._carried_out(environ)
        _arm_reset(environ)
        if whole is not None and fault.when == "during":
            start_response(whole.status, whole.headers)
            yield whole.body[: len(whole.body) // 2]
        raise ClientDisconnected

    def _truncate(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        whole = self._carried_out(environ)
        whole = whole.with_headers(Content_Length=str(len(whole.body)))
        start_response(whole.status, whole.headers)
        kept = len(whole.body) // 2 if fault.bytes < 0 else fault.bytes
        yield whole.body[:kept]
        raise ClientDisconnected

    def _content_type(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        whole = self._carried_out(environ)
        body = fault.body.encode() if fault.body else whole.body
        kind = fault.content_type or "text/html"
        headers = {"Content_Type": kind, "Content_Length": str(len(body))}
        return Whole(whole.status, whole.headers, body).with_headers(**headers).send(start_response)

    def _gzip_bomb(
        self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        whole = self._carried_out(environ)
        whole = whole.with_headers(Content_Encoding="gzip", Content_Type="application/json")
        headers = [pair for pair in whole.headers if pair[0].lower() != "content-length"]
        start_response(whole.status, headers)
        yield from _bomb(fault.megabytes)

    def _redirect(
        self,
        fault: Fault,
        environ: WSGIEnvironment,  # noqa: ARG002
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        whole = _answer(fault.status or 302, b"", "text/html")
        return whole.with_headers(Location=fault.location).send(start_response)

    # -- stale reads

    def _remembering(
        self, method: str, path: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Pass a request on; where reads may be stale, remember answers and write down when they got old."""
        if not any(fault.kind == "stale" for fault in self._dial.faults):
            return self._app(environ, start_response)
        asked = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        seconds = self._dial.stale_seconds(method, path)
        now = self._clock()
        if method == "GET" and seconds is not None:
            old = self._memory.before(asked, now=now, seconds=seconds)
            if old is not None and self._dial.note_stale(method, path):
                return old.send(start_response)
        whole = self._carried_out(environ)
        if method == "GET":
            self._memory.read(asked, whole)
        else:
            self._memory.wrote(now)
        return whole.send(start_response)

    # -- inside

    def _carried_out(self, environ: WSGIEnvironment) -> Whole:
        """Let the application answer, and keep the answer here."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            started.append((status, list(headers)))

        answer: Any = self._app(environ, start)
        try:
            body = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        return Whole(*started[-1], body)

    def _slip_in(self, environ: WSGIEnvironment) -> None:
        """Let the rival edit what the request is about, before the request is looked at."""
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(data)
        self._edits += 1
        path = environ["PATH_INFO"]
        below = path_below_project(path)
        here = path.rstrip("/").removesuffix(below)
        match below.split("/"):
            case ["llm_skills"] | ["datasets"] | ["dataset_items"]:
                if environ["REQUEST_METHOD"] == "POST":
                    made = json.loads(data or b"{}")
                    if "body" in made:
                        made["body"] += f"\n\nThe rival was here: {self._edits}."
                    self._ask(environ, "POST", path, made)
            case ["llm_skills", "name", name, *_]:
                self._edit_skill(environ, f"{here}llm_skills/name/{name}")
            case ["dataset_items", row]:
                self._edit_item(environ, f"{here}dataset_items/{row}/")

    def _edit_skill(self, environ: WSGIEnvironment, path: str) -> None:
        skill = self._ask(environ, "GET", path, query="body_length=1000000")
        body = f"{skill['body']}\n\nThe rival was here: {self._edits}."
        self._ask(environ, "PATCH", path, {"base_version": skill["version"], "body": body})

    def _edit_item(self, environ: WSGIEnvironment, path: str) -> None:
        item = self._ask(environ, "GET", path)
        changes: dict[str, Any] = {"metadata": {**(item["metadata"] or {}), "rival": self._edits}}
        if "version" in item:
            changes["base_version"] = item["version"]
        self._ask(environ, "PATCH", path, changes)

    def _ask(
        self, environ: WSGIEnvironment, method: str, path: str, body: Any = None, query: str = ""
    ) -> Any:
        """One request of the rival; its JSON."""
        data = b"" if body is None else json.dumps(body).encode()
        kept = {name: environ[name] for name in environ if name.startswith(("SERVER_", "wsgi."))}
        asked: WSGIEnvironment = {
            **kept,
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(data)),
            "HTTP_AUTHORIZATION": f"Bearer {self._rival}",
            "wsgi.input": io.BytesIO(data),
        }
        return json.loads(self._carried_out(asked).body or b"null")


class _Memory:
    """What reads were answered with, and since when that is old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, Whole] = {}
        self._old: dict[str, tuple[float, Whole]] = {}

    def read(self, asked: str, whole: Whole) -> None:
        """Remember an answer that was true when it was given."""
        with self._lock:
            self._latest[asked] = whole

    def wrote(self, now: float) -> None:
        """Everything remembered is old from now on."""
        with self._lock:
            for asked, whole in self._latest.items():
                self._old.setdefault(asked, (now, whole))

    def before(self, asked: str, *, now: float, seconds: float) -> Whole | None:
        """The old answer, while it is not older than that."""
        with self._lock:
            since, whole = self._old.get(asked, (0.0, None))
            if whole is None or now - since < seconds:
                return whole
            del self._old[asked]
            self._latest.pop(asked, None)
            return None


def path_below_project(path: str) -> str:
    """The path that a fault's pattern is compared with: below ``/api/projects/1/``, no slash at its end."""
    parts = path.strip("/").split("/")
    if parts[:1] == ["api"]:
        parts = parts[3:] if parts[1:2] in (["projects"], ["environments"]) else parts[1:]
    return "/".join(parts)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _answer(status: int, body: bytes, kind: str) -> Whole:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    return Whole(_status_line(status), headers, body)


def _json_answer(status: int, body: object) -> Whole:
    return _answer(status, json.dumps(body).encode(), "application/json")


def _arm_reset(environ: WSGIEnvironment) -> None:
    """Make the connection end with RST instead of FIN. Only waitress has one to offer."""
    is_gone = environ.get("waitress.client_disconnected")
    if is_gone is None:
        raise ConnectionResetError("there is no connection to reset without a port")
    is_gone.__self__.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _bomb(megabytes: int) -> Iterator[bytes]:
    """One JSON text of so many MiB, as gzip: about a thousandth of that travels."""
    deflate = zlib.compressobj(9, wbits=-15)
    text = b"a" * _MEBIBYTE
    yield _GZIP_HEAD + deflate.compress(b'"') + deflate.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers back, so that one packed MiB may be sent again and again.
    piece = deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(b'"')
    for _ in range(megabytes):
        checksum = zlib.crc32(text, checksum)
        yield piece
    size = (megabytes * _MEBIBYTE + 2) & 0xFFFFFFFF
    end = struct.pack("<II", zlib.crc32(b'"', checksum), size)
    yield deflate.compress(b'"') + deflate.flush() + end
