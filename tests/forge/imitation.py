"""A small forge of our own on loopback: the few endpoints of GitHub and GitLab that a comment takes, and their refusals."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.api.raw_server import Request, answer, serving

HEAD = "b" * 40
TOKEN = "ghs_canary_0123456789abcdef"
READER = "ghs_reader_0123456789abcdef"
LOGINS = {TOKEN: "github-actions[bot]", READER: "github-actions[bot]", "x" * 20: "mallory"}
Hook = Callable[[str, str], bytes | None]


@dataclass
class ImitatedForge:
    """One pull request, number 7 of octo/skills (GitHub) and merge request 7 of project 12 (GitLab).

    ``hook`` sees method and path of each request and may answer in its place. ``writes`` counts calls that wrote.
    ``events`` are labels that were set or taken away (label, login, set, when), ``writers`` who has write access.
    ``clients`` are closed with it. ``opened`` are the pull requests that were made here, with what was said in each
    (``said``); ``tips`` tells where a branch is. ``checks`` are check runs and commit statuses, ``merged`` the head of each merged
    pull request by a commit that it brought.
    """

    url: str = ""
    head: str = HEAD
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    hook: Hook = lambda *_: None
    opened: list[dict[str, Any]] = field(default_factory=list)
    tips: Callable[[str], str] = lambda _: HEAD
    checks: list[dict[str, Any]] = field(default_factory=list)
    scans: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, str, bool, str]] = field(default_factory=list)
    writers: set[str] = field(default_factory=set)
    author: str = "ada"
    merged: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    writes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    clients: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _next: int = 100

    @property
    def bodies(self) -> list[str]:
        return [str(one["body"]) for one in self.comments]

    def add(self, author: str, body: str) -> int:
        """Somebody writes a comment."""
        with self.lock:
            self._next += 1
            self.comments.append({"id": self._next, "author": author, "body": body})
            return self._next

    def respond(self, request: Request) -> Iterator[bytes]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        parts = urlsplit(request.target)
        special = self.hook(request.method, parts.path)
        if special is not None:
            yield special
        elif token not in LOGINS:
            yield refused(401, "Bad credentials")
        else:
            yield self._route(request, parts.path, parse_qs(parts.query), token)

    def _route(self, request: Request, path: str, query: dict[str, list[str]], token: str) -> bytes:
        login, is_github = LOGINS[token], not path.startswith("/api/v4/")
        if (request.method, path) == ("POST", "/graphql"):
            assert json.loads(request.body) == {"query": "query{viewer{login}}"}
            return answer({"data": {"viewer": {"login": login}}})
        if (request.method, path) == ("GET", "/api/v4/user"):
            return answer({"username": login})
        if re.fullmatch(r"/repos/octo/skills/pulls/7", path):
            return answer({"number": 7, "head": {"sha": self.head}, "user": {"login": self.author}})
        if path == "/repos/octo/skills/pulls" and request.method == "GET" and "head" in query:
            return answer([one for one in self.pulls if query["head"] == [one["label"]]])
        if re.fullmatch(r"/api/v4/projects/12/merge_requests/7", path):
            return answer({"iid": 7, "sha": self.head, "author": {"username": self.author}})
        if re.fullmatch(r"/repos/octo/skills/issues/7/comments|/api/v4/projects/12/merge_requests/7/notes", path):  # fmt: skip
            return self._collection(request, query, token, is_github)
        found = re.fullmatch(r"(?:/repos/octo/skills/issues/comments|/api/v4/projects/12/merge_requests/7/notes)/(\d+)", path)  # fmt: skip
        if found:
            return self._one(request, int(found[1]), token, is_github)
        return (
            self._check(request, path, token)
            or self._labels(path, query)
            or self._proposal(request, path, query, token, is_github)
            or refused(404, "Not Found")
        )

    def _proposal(
        self, request: Request, path: str, query: dict[str, list[str]], token: str, is_github: bool
    ) -> bytes | None:
        """Pull requests of branches in this repository, and what is said in them."""
        found = re.fullmatch(r"(?:/repos/octo/skills/(?:pulls|issues)|/api/v4/projects/12/merge_requests)(?:/(\d+))?(/\w+)?", path)  # fmt: skip
        if found is None:
            return None
        if found[1] is None:
            if request.method == "GET":
                wanted = query.get("base") or query["target_branch"]
                return answer([self._proposed(one, is_github) for one in self.opened if one["is_open"] and [one["base"]] == wanted])  # fmt: skip
            if token == READER:
                return refused(403, "Resource not accessible by integration")
            asked = json.loads(request.body)
            self.writes += 1
            self._next += 1
            branch = asked.get("head") or asked["source_branch"]
            base = asked.get("base") or asked["target_branch"]
            body = asked["body"] if is_github else asked["description"]
            labels = [asked["labels"]] if "labels" in asked else []
            self.opened.append({"number": self._next, "branch": branch, "base": base, "title": asked["title"], "body": body, "author": LOGINS[token], "is_open": True, "said": [], "labels": labels})  # fmt: skip
            return answer(self._proposed(self.opened[-1], is_github), status=201)
        one = next((each for each in self.opened if each["number"] == int(found[1])), None)
        if one is None:
            return None
        if request.method == "GET":
            if found[2] is None:
                return answer(self._proposed(one, is_github))
            return answer([_shown(each, is_github) for each in one["said"]])
        self.writes += 1
        asked = json.loads(request.body)
        if found[2] in {"/comments", "/notes"}:
            self._next += 1
            one["said"].append({"id": self._next, "author": LOGINS[token], "body": asked["body"]})
            return answer(_shown(one["said"][-1], is_github), status=201)
        if found[2] == "/labels":
            one["labels"] += asked["labels"]
            return answer([])
        one["title"] = asked.get("title", one["title"])
        one["body"] = asked.get("body", asked.get("description", one["body"]))
        if "closed" in asked.values() or "close" in asked.values():
            one["is_open"] = False
        return answer(self._proposed(one, is_github))

    def _proposed(self, one: dict[str, Any], is_github: bool) -> dict[str, Any]:
        head, url = self.tips(one["branch"]), f"https://forge.example/{one['number']}"
        if is_github:
            return {
                "number": one["number"], "title": one["title"], "body": one["body"], "html_url": url,
                "user": {"login": one["author"]},
                "head": {"ref": one["branch"], "sha": head, "repo": {"full_name": one.get("repo", "octo/skills")}},
            }  # fmt: skip
        return {
            "iid": one["number"], "title": one["title"], "description": one["body"], "web_url": url,
            "author": {"username": one["author"]}, "source_branch": one["branch"], "sha": head,
            "source_project_id": 12, "target_project_id": 12,
        }  # fmt: skip

    def _check(self, request: Request, path: str, token: str) -> bytes | None:
        """Check runs of the app (GitHub) and commit statuses of the token's user (GitLab)."""
        commit = path.rpartition("/")[0].rpartition("/")[2]
        if request.method == "POST" and re.fullmatch(r"/repos/octo/skills/check-runs|/api/v4/projects/12/statuses/\w+", path):  # fmt: skip
            if token == READER:
                return refused(403, "Resource not accessible by integration")
            self.writes += 1
            said = json.loads(request.body)
            if "state" in said:
                said |= {"head_sha": path.rpartition("/")[2], "status": said["state"], "author": {"username": LOGINS[token]}}  # fmt: skip
            self.add_check(**said)
            return answer(self.checks[-1], status=201)
        if (request.method, path) == ("POST", "/repos/octo/skills/code-scanning/sarifs"):
            if token == READER:
                return refused(403, "Resource not accessible by integration")
            self.scans.append(json.loads(request.body))
            return answer({"id": "1"}, status=202)
        own = [one for one in self.checks if one["head_sha"] == commit]
        if re.fullmatch(r"/repos/octo/skills/commits/\w+/check-runs", path):
            return answer({"total_count": len(own), "check_runs": own})
        if re.fullmatch(r"/api/v4/projects/12/repository/commits/\w+/statuses", path):
            return answer(own)
        if re.fullmatch(r"/repos/octo/skills/commits/\w+/pulls", path):
            return answer([
                {"number": number, "merged_at": "2026-01-02T03:04:05Z", "head": {"sha": head}, "base": {"repo": {"full_name": "octo/skills"}}}
                for number, head in self.merged.get(commit, [])
            ])  # fmt: skip
        if re.fullmatch(r"/api/v4/projects/12/repository/commits/\w+/merge_requests", path):
            return answer([{"iid": number, "state": "merged", "sha": head} for number, head in self.merged.get(commit, [])])  # fmt: skip
        return None

    def _labels(self, path: str, query: dict[str, list[str]]) -> bytes | None:
        """Who set which label when, and who may write."""
        if path == "/repos/octo/skills/issues/7/events":
            return answer([{"event": "labeled" if is_set else "unlabeled", "actor": {"login": by}, "created_at": at, "label": {"name": label}} for label, by, is_set, at in self.events] + [{"event": "closed"}])  # fmt: skip
        if path == "/api/v4/projects/12/merge_requests/7/resource_label_events":
            return answer([{"action": "add" if is_set else "remove", "user": {"username": by}, "created_at": at, "label": {"name": label}} for label, by, is_set, at in self.events])  # fmt: skip
        found = re.fullmatch(r"/repos/octo/skills/collaborators/([^/]+)/permission", path)
        if found:
            return answer({"permission": "write" if found[1] in self.writers else "read"})
        if path == "/api/v4/projects/12/members/all":
            asked = query["query"][0]
            return answer([{"username": f"{asked}-too", "access_level": 50}, {"username": asked, "access_level": 30 if asked in self.writers else 20}])  # fmt: skip
        return None

    def add_check(self, **said: Any) -> None:
        """A workflow leaves a check run, or a token a status."""
        with self.lock:
            self._next += 1
            self.checks.append({"app": {"slug": "github-actions"}, **said, "id": self._next})

    def _collection(
        self, request: Request, query: dict[str, list[str]], token: str, is_github: bool
    ) -> bytes:
        if request.method == "GET":
            size, page = int(query["per_page"][0]), int(query["page"][0])
            with self.lock:
                part = self.comments[(page - 1) * size : page * size]
                return answer([_shown(one, is_github) for one in part])
        if token == READER:
            return refused(403, "Resource not accessible by integration")
        self.writes += 1
        self.add(LOGINS[token], json.loads(request.body)["body"])
        return answer(_shown(self.comments[-1], is_github), status=201)

    def _one(self, request: Request, number: int, token: str, is_github: bool) -> bytes:
        with self.lock:
            found = next((one for one in self.comments if one["id"] == number), None)
            if found is None:
                return refused(404, "Not Found")
            if token == READER or found["author"] != LOGINS[token]:
                return refused(403, "Resource not accessible by integration")
            self.writes += 1
            if request.method == "DELETE":
                self.comments.remove(found)
                return answer(b"", status=204)
            assert request.method == ("PATCH" if is_github else "PUT")
            found["body"] = json.loads(request.body)["body"]
            return answer(_shown(found, is_github))


def _shown(one: dict[str, Any], is_github: bool) -> dict[str, Any]:
    if is_github:
        return {"id": one["id"], "user": {"login": one["author"]}, "body": one["body"]}
    author = {"username": one["author"]}
    return {"id": one["id"], "author": author, "body": one["body"], "system": False}


def refused(status: int, message: str, **headers: str) -> bytes:
    """A refusal in a forge's own words."""
    return answer({"message": message, "status": str(status)}, status=status, headers=headers)


@contextlib.contextmanager
def forge() -> Iterator[ImitatedForge]:
    """Run one until the block ends."""
    imitation = ImitatedForge()
    with serving(imitation.respond) as server, imitation.clients:
        imitation.url = server.url
        yield imitation
