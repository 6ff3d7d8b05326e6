"""Looks at the key, the host and what it speaks, for `doctor`; reads only."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeAlias

from skillsync.api.detect import key_info
from skillsync.errors import NotAuthenticated, NotFound, RemoteError
from skillsync.model import DatasetPointer, SkillPointer
from skillsync.sync.findings import Finding, ok, problem, warning
from skillsync.sync.local import LocalTree, pointer_line

if TYPE_CHECKING:
    from datetime import datetime

    from skillsync.config import Target
    from skillsync.sync.workspace import Remote

MOST_SKEW = 60.0
"""Seconds that the two clocks may differ before it is worth a word; no decision depends on them."""

SCOPES = ("llm_skill:read", "llm_skill:write", "dataset:read", "dataset:write")
_CURRENT_KEY = "/api/personal_api_keys/@current/"


def remote_findings(
    target: Target, remote: Remote, tree: LocalTree, *, now: datetime
) -> Iterator[Finding]:
    """Yield what there is to say about the other side; what fails is a finding and ends only its own check."""
    try:
        answer = remote.transport.request("GET", _CURRENT_KEY, subject="the key", cap=1 << 20)
    except NotFound:
        yield warning("key", "this server does not say what a key may do", subject=target.name)
    except RemoteError as error:
        check = "key" if isinstance(error, NotAuthenticated) else "host"
        yield problem(check, error.message, subject=target.host, fix=error.hint)
        return
    else:
        yield ok("host", f"{target.host} answers", subject=target.name)
        yield clock_finding(answer.headers.get("date", ""), now=now)
        yield from _key(remote, target)
    skills = yield from _skills(remote, target)
    datasets = yield from _datasets(remote, target)
    yield from _bases(target, remote, tree, skills, datasets)


def clock_finding(date: str, *, now: datetime) -> Finding:
    """Compare the server's ``Date`` header with our clock."""
    try:
        theirs = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return ok("clock", "the server does not say what time it is")
    if theirs.tzinfo is None:
        return ok("clock", "the server does not say in which time zone its time is")
    skew = (now - theirs).total_seconds()
    if abs(skew) <= MOST_SKEW:
        return ok("clock", "this machine and the server agree about the time")
    side = "ahead of" if skew > 0 else "behind"
    return warning(
        "clock",
        f"this machine is {abs(skew):,.0f} s {side} the server; dates look odd, and certificates may fail",
        fix="set this machine's clock (timedatectl set-ntp true)",
    )


def _key(remote: Remote, target: Target) -> Iterator[Finding]:
    info = key_info(remote.transport)
    if info is None:
        return
    missing = [scope for scope in SCOPES if not info.may(scope)]
    if missing:
        can_read = info.may("llm_skill:read") or info.may("dataset:read")
        judge = warning if can_read else problem
        yield judge(
            "key",
            f"it lacks {', '.join(missing)}",
            subject=target.name,
            fix="make a key with these scopes, or leave out what it may not do",
        )
    else:
        yield ok("key", "it has every scope that skillsync uses", subject=target.name)
    if not info.reaches(target.project):
        yield problem(
            "key",
            f"it is limited to other projects than {target.project}",
            subject=target.name,
            fix="make a key for this project, or correct project in skillsync.toml",
        )


Listed: TypeAlias = "set[str] | None"
"""The ids that a list named; None: it could not be read, and neither could what it would have named."""


def _skills(remote: Remote, target: Target) -> Generator[Finding, None, Listed]:
    try:
        listing = remote.skills.list()
        for version in listing.items[:1]:
            remote.skills.head(version.name)
    except RemoteError as error:
        yield problem("skills", error.message, subject=target.name, fix=error.hint)
        return None
    described = remote.skills.capabilities.version_description
    words = {
        None: "which generation it is shows with the first skill",
        True: "versions have a description: publishes carry a marker",
        False: "the first generation: own publishes are recognised by content and author, which is weaker",
    }
    yield ok("skills", f"{_count(len(listing), 'skill')}; {words[described]}", subject=target.name)
    yield from (
        warning("skills", one.message, subject=one.subject, fix=one.fix) for one in listing.problems
    )
    return {version.id for version in listing.items}


def _datasets(remote: Remote, target: Target) -> Generator[Finding, None, Listed]:
    if target.datasets == ():
        return None
    try:
        listing = remote.datasets.list()
    except RemoteError as error:
        yield problem("datasets", error.message, subject=target.name, fix=error.hint)
        return None
    generation = remote.datasets.capabilities.dataset_generation
    words = {
        "G1": "the first generation: no history, rows are compared right before they are written",
        "G2": "the newer generation: rows have versions, and each write names the one it builds upon",
    }
    said = words.get(generation, "which generation it is shows with the first dataset")
    yield ok("datasets", f"{_count(len(listing), 'dataset')}; {said}", subject=target.name)
    return {dataset.id for dataset in listing.items}


# ---------------------------------------------------------------- bases


def _bases(
    target: Target, remote: Remote, tree: LocalTree, skills: Listed, datasets: Listed
) -> Iterator[Finding]:
    """Yield the pointers whose version or dataset the server does not know: nothing can be merged from them.

    What the lists named is known without a request; where there is no list, the same trouble is not told of each.
    """
    known = 0
    for skill in tree.skills if skills is not None else ():
        line = pointer_line(skill.folder, target.place)
        if not isinstance(line, SkillPointer) or line.gone:
            continue
        if target.takes_skill(skill.name):
            found = None if line.id in (skills or ()) else _skill_base(remote, skill.name, line)
            known += found is None
            if found is not None:
                yield found
    for dataset in tree.datasets if datasets is not None else ():
        pointer = pointer_line(dataset.folder, target.place)
        if not isinstance(pointer, DatasetPointer) or pointer.gone:
            continue
        if target.takes_dataset(dataset.name, dataset.slug):
            is_listed = pointer.dataset in (datasets or ())
            found = None if is_listed else _dataset_base(remote, dataset.slug, pointer)
            known += found is None
            if found is not None:
                yield found
    if skills is None and datasets is None:
        return
    yield ok(
        "bases", f"known to the server: what {known} of the pointers here name", subject=target.name
    )


def _skill_base(remote: Remote, name: str, line: SkillPointer) -> Finding | None:
    try:
        version = remote.skills.head(name, number=line.number)
    except NotFound:
        return problem(
            "bases",
            f"the server has no v{line.number} of it any more: it was archived, or renamed",
            subject=name,
            fix=f"skillsync status {name}",
        )
    except RemoteError as error:
        return problem("bases", error.message, subject=name, fix=error.hint)
    if version.id == line.id:
        return None
    return problem(
        "bases",
        f"v{line.number} on the server is another version than the one that was taken in: it was made again, "
        "or this is another project",
        subject=name,
        fix=f"skillsync adopt {name} --merge, --local or --remote",
    )


def _dataset_base(remote: Remote, slug: str, line: DatasetPointer) -> Finding | None:
    try:
        remote.datasets.read(line.dataset)
    except NotFound:
        return problem(
            "bases",
            f"the server has no dataset {line.dataset} any more",
            subject=slug,
            fix=f"skillsync status {slug}",
        )
    except RemoteError as error:
        return problem("bases", error.message, subject=slug, fix=error.hint)
    return None


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
