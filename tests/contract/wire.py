"""Plain HTTP to one project, and the few objects that a case needs there, each with a name of its own."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

_IDLE_SECONDS = 5.0
_TIMEOUT = 60.0
_MOST_WAITS = 20
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """A status, headers by lower-case name, and the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def ok(self, status: int = 200) -> Any:
        """The JSON of an answer that has to have this status."""
        assert self.status == status, (self.status, self.body[:2000])
        return self.json

    def refused(self, status: int) -> Any:
        """The JSON of an error that has to have this status."""
        return self.ok(status)


@dataclass
class Api:
    """Requests below ``/api/{prefix}/{project}/``; a path that starts with ``/`` is taken as it is."""

    url: str
    project: str
    key: str | None = field(repr=False)
    prefix: str = "projects"
    skills: set[str] = field(default_factory=set)
    """Names of the skills made so far, so that a scratch project can be left clean."""
    datasets: set[str] = field(default_factory=set)
    _connection: http.client.HTTPConnection | None = None
    _used: float = 0.0
    _token: str = field(default_factory=lambda: secrets.token_hex(4))
    _count: int = 0

    # -- requests

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """``body`` goes as JSON, ``data`` as it is. Waits when the server says that it is throttled."""
        sent: dict[str, str] = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            data = json.dumps(body).encode()
            sent |= JSON
        sent |= headers or {}
        target = path if path.startswith("/") else f"/api/{self.prefix}/{self.project}/{path}"
        for _ in range(_MOST_WAITS):
            answer = self._exchange(method, target, data, sent)
            if answer.status != 429:
                break
            time.sleep(min(float(answer.headers.get("retry-after", "60")) + 1, 3600.0))
        self._note(method, path, answer)
        return answer

    def get(self, path: str, **query: Any) -> Answer:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any) -> Answer:
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self.call("DELETE", path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # -- objects

    def fresh(self, label: str = "c") -> str:
        """A name that nothing else in the project has, nor begins with."""
        self._count += 1
        return f"{label}-{self._token}-{self._count}x"

    def skill(self, name: str = "", **fields: Any) -> dict[str, Any]:
        """A new skill; its detail."""
        body = {"name": name or self.fresh(), "description": "Says hello.", "body": "# Greet"}
        detail: dict[str, Any] = self.post("llm_skills", {**body, **fields}).ok(201)
        return detail

    def publish(self, skill: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """The next version on top of this one; its detail."""
        body = {"base_version": skill["version"], **changes}
        detail: dict[str, Any] = self.patch(at(skill), body).ok()
        return detail

    def dataset(self, name: str = "", **fields: Any) -> dict[str, Any]:
        """A new dataset."""
        row: dict[str, Any] = self.post(
            "datasets/", {"name": name or self.fresh("d"), **fields}
        ).ok(201)
        return row

    def item(self, dataset: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """A new item of the dataset."""
        row: dict[str, Any] = self.post("dataset_items/", {"dataset": dataset["id"], **fields}).ok(
            201
        )
        return row

    def clean_up(self) -> None:
        """Archive and delete what was made."""
        for name in self.skills:
            self.post(f"llm_skills/name/{name}/archive")
        for row in self.datasets:
            if self.patch(f"datasets/{row}/", {"deleted": True}).status == 400:
                self.post(f"datasets/{row}/archive/")  # the newest generation has no other way

    # -- inside

    def _exchange(
        self, method: str, target: str, data: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self.close()  # the server may have closed it meanwhile, and a write is not sent twice
        if self._connection is None:
            parts = urlsplit(self.url)
            kind = (
                http.client.HTTPSConnection
                if parts.scheme == "https"
                else http.client.HTTPConnection
            )
            self._connection = kind(parts.netloc, timeout=_TIMEOUT)
        try:
            self._connection.request(method, target, data, dict(headers))
            response = self._connection.getresponse()
            body = response.read()
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, body)

    def _note(self, method: str, path: str, answer: Answer) -> None:
        if method == "POST" and answer.status == 201:
            made = answer.json
            if path.rstrip("/") == "datasets":
                self.datasets.add(made["id"])
            elif "first_version_created_at" in made:
                self.skills.add(made["name"])


def at(skill: Mapping[str, Any], more: str = "") -> str:
    """The path of a skill, or of something below it."""
    return f"llm_skills/name/{skill['name']}{more}"


def file(path: str = "a.md", content: str = "text", **more: Any) -> dict[str, Any]:
    return {"path": path, "content": content, **more}


def sent(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those that are ``...``: a table's way to leave one out."""
    return {name: value for name, value in fields.items() if value is not ...}
