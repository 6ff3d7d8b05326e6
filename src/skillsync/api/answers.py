"""Decides what an HTTP answer means: JSON that can be trusted to be JSON, or the error that it is."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import urlsplit

from skillsync.api.pacing import retry_after_seconds
from skillsync.errors import (
    BadAnswer,
    KeyTaken,
    LimitReached,
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

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

NOT_MODIFIED = 304
"""What was asked for is as it was when the server gave it the tag that the request names (RFC 9110, 15.4.5)."""

LONGEST_DETAIL = 300
"""Characters of a server's text that a message repeats."""

_TRANSIENT = frozenset({408, 425})
_NO_CREDENTIALS = frozenset({"authentication_failed", "not_authenticated"})
_NOT_FOUND_REASONS = {"Endpoint not found.": "endpoint", "Project not found.": "project"}
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_FORBIDDEN_HINTS = (
    ("missing required scope", "add that scope to the key, or use a key that has it"),
    (
        "access to the requested project",
        "use a key for this project, or correct the project number",
    ),
    ("access to the requested organization", "use a key for this organisation"),
    ("scoped projects are only supported", "use a key that is not limited to projects"),
    ("does not allow using personal API keys", "ask an admin of the organisation to allow them"),
    ("have access to the project", "ask a member of the project, or correct the project number"),
    ("access to this resource", "ask for access to this object in the project's access settings"),
    (
        "requires feature flag",
        "ask PostHog, or the operator of the server, to switch it on; until then datasets = [] in the target",
    ),
    ("does not support personal API key", "this is a mistake of ours: please report it"),
)


_LIMIT_HINTS = {
    "datasets": "archived datasets count as well and cannot be deleted: ask the operator of the server for more",
    "dataset_items": "archived rows count as well and cannot be deleted: use another dataset for the rest",
    "dataset_item_versions": "give the line another id: it is then a new row, and the old one can be archived",
}
"""What helps where a quota is used up (datasets-api.md 3.5): nothing can be deleted there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as messages name it: ``path`` without the query, ``subject`` the object it is about.

    ``tag`` is the ETag that it names in ``If-None-Match``: only then 304 is an answer and no redirect.
    """

    method: str
    path: str
    subject: str = ""
    tag: str = ""

    @property
    def is_write(self) -> bool:
        """Tell whether it may change something."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Raw:
    """What came over the wire, whole and decompressed; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: ``json`` is None when the body was empty, as it is with 304; ``body`` are its bytes."""

    status: int
    json: Json
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False, compare=False)


class NotJson(ValueError):
    """The body is not JSON that can be relied on; the message is the rest of a sentence about it."""


Hide: TypeAlias = Callable[[str], str]
"""Takes the key out of a text that a server has sent."""


def read_answer(asked: Asked, raw: Raw, *, hide: Hide, now: float) -> Answer:
    """Return the answer of a 2xx, or of a 304 to a request with a tag; else raise the RemoteError that it stands for.

    ``now`` is Unix time, for dates in ``Retry-After``. Sources: platform.md 4, 5; skills-api.md 8; sync.md 9.2.
    """
    if 200 <= raw.status <= 299:
        try:
            return Answer(raw.status, _parse_body(raw, hide), raw.headers, raw.body)
        except NotJson as error:
            raise BadAnswer(
                f"{asked} was answered with {raw.status}, but the body {error}",
                status=raw.status,
                subject=asked.subject,
                hint="check the host: it must be the API's own address",
                indeterminate=asked.is_write,
            ) from error
    if raw.status == NOT_MODIFIED and asked.tag:
        return Answer(raw.status, None, raw.headers)
    if 300 <= raw.status <= 399:
        _raise_redirect(asked, raw, hide)
    raise _Refusal(asked, raw, hide).error(now)


def parse_json(data: bytes) -> Json:
    """Parse strict UTF-8 JSON. NotJson for duplicate keys, NaN, Infinity, unpaired surrogates, hostile depth."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(f"is not UTF-8 at byte {error.start}") from error
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise NotJson(f"is not valid JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise NotJson("is nested too deeply") from error
    except NotJson:
        raise
    except ValueError as error:
        raise NotJson("holds a number that is too long") from error
    if _ESCAPED_SURROGATE.search(data):
        _require_whole_characters(value)
    return value


def clean(text: str, *, limit: int = LONGEST_DETAIL) -> str:
    """Make a server's text safe to print: no control or format characters, one line, at most ``limit``."""
    if len(text) <= limit and text.isprintable() and "  " not in text and text == text.strip():
        return text  # nearly every name and path: they are asked for many times a skill
    shown = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in text[: limit * 4])
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _parse_body(raw: Raw, hide: Hide) -> Json:
    if not raw.body.strip():
        return None
    kind, _, parameters = raw.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind != "application/json":
        raise NotJson(f"is {_what(raw, hide)}, not JSON")
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise NotJson(f"says it is written in {clean(hide(charset[1]), limit=40)}, not in UTF-8")
    return parse_json(raw.body)


def _what(raw: Raw, hide: Hide) -> str:
    """Say in words what kind of body came."""
    kind = hide(raw.headers.get("content-type", "")).partition(";")[0].strip()
    if not raw.body.strip():
        return "empty"
    if "html" in kind.lower() or raw.body.lstrip()[:1] == b"<":
        return "an HTML page"
    return clean(kind, limit=60) or "of no stated type"


def _raise_redirect(asked: Asked, raw: Raw, hide: Hide) -> NoReturn:
    """A redirect means a misconfigured host (platform.md 2); the key follows none."""
    parts = urlsplit(clean(hide(raw.headers.get("location", "")), limit=LONGEST_DETAIL))
    place = parts.hostname or "another page of the same host"
    raise BadAnswer(
        f"{asked} was redirected ({raw.status}) to {place}; redirects are never followed",
        status=raw.status,
        subject=asked.subject,
        hint="set the host to the API's own address, with https",
        reason="redirect",
        indeterminate=asked.is_write,
    )


class _Refusal:
    """One answer that is no success, taken apart once."""

    def __init__(self, asked: Asked, raw: Raw, hide: Hide) -> None:
        self.asked = asked
        self.raw = raw
        self.status = raw.status
        try:
            body = _parse_body(raw, hide)
        except NotJson:
            body = None
        self.body: Mapping[str, Json] | None = body if isinstance(body, dict) else None
        self.detail = clean(hide(self._text("detail")))
        self.reason = clean(hide(self._text("code")), limit=60)
        self.field = clean(hide(self._text("attr")), limit=100)
        self.shown = self.detail or f"the body is {_what(raw, hide)}"

    def _text(self, name: str) -> str:
        value = (self.body or {}).get(name)
        return value if isinstance(value, str) else ""

    def error(self, now: float) -> RemoteError:
        """Choose the class: by ``code`` first (platform.md 3), then by status."""
        if self.status == 401 or (self.status == 403 and self.reason in _NO_CREDENTIALS):
            return NotAuthenticated(**self._facts("the key was not accepted"))
        if self.status == 403:
            hints = (hint for text, hint in _FORBIDDEN_HINTS if text in self.detail)
            return NotAllowed(**self._facts("the key may not do this"), hint=next(hints, ""))
        if self.status == 404:
            return self._not_found()
        if self.status == 409 and self.reason == "client_item_id_conflict":
            return KeyTaken(
                self._message("this key is taken"),
                item=clean(self._text("current_item_id"), limit=100),
                subject=self.asked.subject,
            )
        if self.status == 409 and self.reason == "limit_reached":
            return self._limit()
        if self.status == 409 and self.body is not None and "current_version" in self.body:
            return VersionConflict(
                self._message("somebody published meanwhile"),
                current=_number(self.body["current_version"]),
                subject=self.asked.subject,
            )
        if self.status == 429:
            pause = retry_after_seconds(self.raw.headers.get("retry-after"), now=now)
            return Throttled(self._message("too many requests"), retry_after=pause)
        if self.status in _TRANSIENT or 500 <= self.status <= 599:
            return self._unreachable(now)
        if 400 <= self.status <= 499:
            return Refused(**self._facts("the server refused it"), field=self.field)
        return BadAnswer(**self._facts("no such status exists"), indeterminate=self.asked.is_write)

    def _limit(self) -> RemoteError:
        """A quota that is used up, in words: what is full and how full (datasets-api.md 3.4)."""
        body = self.body or {}
        resource = self._text("resource")
        return LimitReached(
            self._message("a limit is reached"),
            resource=clean(resource, limit=60),
            count=_number(body.get("current_count")) or 0,
            limit=_number(body.get("limit")) or 0,
            subject=self.asked.subject,
            hint=_LIMIT_HINTS.get(resource, ""),
        )

    def _not_found(self) -> RemoteError:
        if self.body is None:
            # The API's own 404 always says what it missed; anything else is some other server's page, and
            # must never be taken for "this skill is gone".
            return BadAnswer(
                **self._facts("this is not the API's own 404"),
                hint="check the host: it must be the API's own address",
            )
        facts = self._facts("not found")
        facts["reason"] = _NOT_FOUND_REASONS.get(self.detail, self.reason)
        return NotFound(**facts)

    def _unreachable(self, now: float) -> RemoteError:
        return Unreachable(
            **self._facts("the server failed"),
            indeterminate=self.asked.is_write,
            retry_after=retry_after_seconds(self.raw.headers.get("retry-after"), now=now),
        )

    def _message(self, meaning: str) -> str:
        return f"{self.asked} was answered with {self.status}, {meaning}: {self.shown}"

    def _facts(self, meaning: str) -> dict[str, Any]:
        return {
            "message": self._message(meaning),
            "status": self.status,
            "subject": self.asked.subject,
            "reason": self.reason,
        }


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJson("names a key twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise NotJson(f"holds {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise NotJson("holds a number beyond every double")
    return value


def _require_whole_characters(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotJson("holds half a surrogate pair") from error
    except RecursionError as error:
        raise NotJson("is nested too deeply") from error
