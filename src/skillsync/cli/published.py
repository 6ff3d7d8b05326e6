"""After a push: what was published, or why not, goes to the merged pull request, and open ones are told what moved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from skillsync.cli.boundary import Run
from skillsync.cli.forge_session import checks_of, conversation_at, forge_calls, proposals_of
from skillsync.forge.decide import Mark, Wanted
from skillsync.forge.post import mark_outdated, post
from skillsync.repo.git_formats import is_object_id
from skillsync.review.render.escape import code, prose

if TYPE_CHECKING:
    from skillsync.forge.attest import Checks, Pull
    from skillsync.forge.place import Place
    from skillsync.forge.port import Calls
    from skillsync.model import Json

SCHEMAS = ("skillsync.push/1", "skillsync.error/1")
_MOST_COMMITS = 50
_MOST_OPEN = 50
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a push ended: what it did to which object, or why it did nothing."""

    done: Mapping[str, str]
    why: str

    @classmethod
    def read(cls, document: Mapping[str, Json]) -> Pushed:
        """Read what `push --json` printed, trusting nothing in it."""
        done: dict[str, str] = {}
        outcomes = document.get("outcomes")
        for one in outcomes if isinstance(outcomes, list) else ():
            if isinstance(one, dict) and one.get("changed") is True:
                name, did = one.get("subject"), one.get("did")
                if isinstance(name, str) and isinstance(did, str):
                    done[name[:200]] = did[:200]
        error = document.get("error")
        why = error.get("message") if isinstance(error, dict) else None
        return cls(done, why[:2_000] if isinstance(why, str) else "")

    def body(self, key: str, head: str) -> str:
        """Return the comment of a merged pull request."""
        if self.why:
            lines = ["### skillsync: not published", "", prose(self.why, most=2_000)]
        elif self.done:
            names = list(self.done.items())
            lines = ["### skillsync: published", ""]
            lines += [f"- {code(name)}: {prose(did)}" for name, did in names[:_MOST_NAMES]]
            if len(names) > _MOST_NAMES:
                lines.append(f"- and {len(names) - _MOST_NAMES:,} more")
        else:
            lines = ["### skillsync: nothing was left to publish"]
        text = "\n".join(lines)
        plan = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{Mark(key, plan, head).line}\n{text}"


def say_published(
    run: Run, place: Place, document: Mapping[str, Json], event: Json, key: str
) -> int:
    """Write the comments and return how many calls wrote. Raises RemoteError."""
    pushed = Pushed.read(document)
    writes = 0
    with forge_calls(run, place) as calls:
        checks, merged = checks_of(place, calls), set[int]()
        for pull in _merged(checks, _commits(event)):
            merged.add(pull.number)
            wanted = Wanted(pushed.body(key, pull.head), key, pull.head, state="published")
            writes += post(conversation_at(place, calls, pull.number), wanted).writes
        names = [code(name.partition(":")[0]) for name in pushed.done]
        if names and not pushed.why:
            for number in proposals_of(place, calls, _base(event)).numbers()[:_MOST_OPEN]:
                if number not in merged:
                    writes += _tell(place, calls, number, names, key)
    return writes


def _tell(place: Place, calls: Calls, number: int, names: Sequence[str], key: str) -> bool:
    """Mark the review of an open pull request that names one of these objects."""

    def note(body: str) -> str:
        found = [name for name in dict.fromkeys(names) if name in body]
        if not found:
            return ""
        shown = ", ".join(found[:5]) + (" and more" if len(found) > 5 else "")
        return f"> **Outdated:** published since: {shown}. Push to this branch, or run its checks again, for a new review."

    return mark_outdated(conversation_at(place, calls, number), note, key=key)


def _merged(checks: Checks, commits: Sequence[str]) -> list[Pull]:
    found: dict[int, Pull] = {}
    for commit in commits:
        for pull in checks.pulls_of(commit):
            found.setdefault(pull.number, pull)
    return list(found.values())


def _commits(event: Json) -> list[str]:
    """Return the commits that a push brought, the newest first; GitLab names one."""
    after = event.get("after") if isinstance(event, dict) else None
    listed = event.get("commits") if isinstance(event, dict) else None
    brought = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    ids = [after or os.environ.get("CI_COMMIT_SHA"), *(one.get("id") for one in reversed(brought))]
    good = [one for one in ids if isinstance(one, str) and is_object_id(one)]
    return list(dict.fromkeys(good))[:_MOST_COMMITS]


def _base(event: Json) -> str:
    ref = event.get("ref") if isinstance(event, dict) else None
    name = ref.removeprefix("refs/heads/") if isinstance(ref, str) else ""
    return name or os.environ.get("CI_COMMIT_BRANCH", "") or "main"
