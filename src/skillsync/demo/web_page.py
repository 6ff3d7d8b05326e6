"""The second person: edits skills and rows through the plain HTTP API, as a web page would."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from skillsync.errors import DemoFailed

TIMEOUT = 20.0
"""Seconds that one request may take."""


@dataclass(frozen=True, slots=True)
class WebPage:
    """What somebody sees and does without skillsync: plain requests with a key of their own.

    Shares no code with the client, so that what it reports is what the server really holds.
    """

    url: str
    project: int
    dialect: str
    key: str = field(repr=False)

    @property
    def created(self) -> int:
        """The latest version of a skill that a push has just created: the newer generation marks it in one more."""
        return 2 if self._is_current else 1

    @property
    def _is_current(self) -> bool:
        return self.dialect == "current"

    def skill(self, name: str, *, version: int | None = None) -> dict[str, Any]:
        """Return a skill's detail; the latest version, or the named one."""
        return self._send(
            "GET", f"llm_skills/name/{name}" + (f"?version={version}" if version else "")
        )

    def skills(self) -> list[dict[str, Any]]:
        """Return the live skills."""
        found: list[dict[str, Any]] = self._send("GET", "llm_skills?limit=100")["results"]
        return found

    def edit_skill(self, name: str, before: str, after: str) -> int:
        """Replace one text in a skill's body and return the new version's number."""
        detail = self.skill(name)
        body = str(detail["body"])
        if body.count(before) != 1:
            raise DemoFailed(f"the server's {name} does not say once: {before}")
        sent = {"base_version": detail["version"], "body": body.replace(before, after)}
        return int(self._send("PATCH", f"llm_skills/name/{name}", sent)["version"])

    def datasets(self) -> list[dict[str, Any]]:
        """Return the live datasets."""
        found: list[dict[str, Any]] = self._send("GET", "datasets/?limit=100")["results"]
        return found

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """Return the items of the dataset with that id; ``output`` is the expected one in either generation."""
        path: str | None = f"dataset_items/?dataset={dataset}&limit=1000"
        found: list[dict[str, Any]] = []
        while path:
            page = self._send("GET", path)
            found += page["results"]
            path = page["next"] and page["next"].partition(f"/projects/{self.project}/")[2]
        if self._is_current:
            return [{**row, "output": row["expected_output"]} for row in found]
        return found

    def row(self, dataset_name: str, key: str) -> dict[str, Any]:
        """Return the item that carries one of our keys."""
        for dataset in self.datasets():
            if dataset["name"] == dataset_name:
                for row in self.rows(dataset["id"]):
                    if self._key_of(row) == key:
                        return row
        raise DemoFailed(f"the server has no row {key} in {dataset_name}")

    def _key_of(self, row: dict[str, Any]) -> object:
        if self._is_current:
            return row["client_item_id"]
        return (row["metadata"] or {}).get("skillsync_id")

    def edit_row(self, row: dict[str, Any], **fields: Any) -> None:
        """Change fields of an item as it was read."""
        base = {"base_version": row["version"]} if self._is_current else {}
        self._send("PATCH", f"dataset_items/{row['id']}/", {**base, **fields})

    def _send(self, method: str, path: str, sent: object = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  # the scheme is ours: http to this machine
            f"{self.url}/api/projects/{self.project}/{path}",
            data=None if sent is None else json.dumps(sent).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            method=method,
        )
        straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with straight.open(request, timeout=TIMEOUT) as answer:
                found: dict[str, Any] = json.load(answer)
        except (OSError, ValueError) as error:
            raise DemoFailed(f"{method} {path} in the web page failed: {error}") from error
        return found
