"""Keeps versions of remote skills as git commits under ``refs/skillsync/<host>/<project>/<name>`` (sync.md 5.3, 5.6).

They are copies: nothing is decided by them, and they may be deleted at any time. A version's commit is made of that
version alone, so it has no parent and is the same in every clone, whichever others a clone has read: a parent would
make it another one for whoever has not read the version before. The ref leads to the one version that is kept, or to
a merge of all that are, newest first, whose tree is the newest one's: ``git log --no-merges REF`` lists the versions,
and git's garbage collection leaves them alone. The merge names the versions and their commits, so that one is found
by asking for two objects; it depends on nothing but the set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from signal import SIGKILL
from subprocess import Popen

from skillsync.errors import GitFailed
from skillsync.model import Json
from skillsync.repo.git import Repository
from skillsync.repo.git_process import finish_git, start_git
from skillsync.repo.import_stream import data_block, file_lines, person_line, unix_seconds
from skillsync.repo.object_reader import GitObject

RECORD = ".skillsync-version.json"
_TRIES = 3
_UNFIT = re.compile(r"[^A-Za-z0-9._/-]")
_AT_ONCE = 500
"""Commits that are written before their ids are read: a pipe holds these, so neither side waits."""
_NAME = re.compile(r"[a-z0-9-]{1,64}")
_PENDING = "refs/skillsync/pending"
"""The branch of the stream alone: it is reset before the stream ends, so that no such ref is ever written."""

_VERSION = re.compile(r"(?P<name>\S+) v(?P<number>\d{1,9}) (?P<id>\S+)")
_SHA256 = re.compile(r"^Skillsync-Record: sha256:([0-9a-f]{64})$", re.MULTILINE)
_KEPT = re.compile(
    r"^Skillsync-Kept: v(?P<number>\d{1,9}) (?P<id>\S+) (?P<seconds>\d{1,12}) (?P<commit>[0-9a-f]{40,64})$",
    re.MULTILINE,
)
_OTHER = re.compile(r"^Skillsync-Other: ([0-9a-f]{40,64})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """One version: ``label`` is its author as the server names it, ``time`` as the server prints it (ISO 8601).

    ``files`` are for reading; ``record`` holds everything, whatever a file system or git makes of the paths.
    """

    name: str
    number: int
    id: str
    label: str
    time: str
    record: Mapping[str, Json]
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Kept:
    """A version that is kept: when it was made (UTC, Unix time), its number, its id, and its commit."""

    seconds: int
    number: int
    id: str
    commit: str


@dataclass(frozen=True, slots=True)
class Tip:
    """What a ref leads to: its commit ("" where there is none), the versions, newest first.

    ``others`` are commits that are no version as they are kept now; they stay reachable.
    """

    commit: str = ""
    versions: tuple[Kept, ...] = ()
    others: tuple[str, ...] = ()


def version_ref(place: str, name: str) -> str:
    """Return the ref that keeps a skill's versions; ``place`` is ``HOST/PROJECT``."""
    return f"refs/skillsync/{_UNFIT.sub('_', place)}/{name}"


def find_kept(repo: Repository, place: str, names: Iterable[str]) -> dict[str, Tip]:
    """Return what is kept of skills, by name; no process of its own. A name that no skill can bear is left out."""
    refs = {name: version_ref(place, name) for name in names if _NAME.fullmatch(name)}
    found = _objects(repo, refs.values())
    return {name: _tip(found.get(ref), name) for name, ref in refs.items()}


def read_records(repo: Repository, commits: Collection[str]) -> dict[str, Json]:
    """Return the records of versions by their commits; what is damaged or another commit's is left out."""
    asked = [name for commit in commits for name in (commit, f"{commit}:{RECORD}")]
    found = _objects(repo, asked)
    records: dict[str, Json] = {}
    for commit in commits:
        said, record = found.get(commit), found.get(f"{commit}:{RECORD}")
        if said is None or record is None or record.data is None:
            continue
        digest = _SHA256.search(_message(said))
        if digest is None or digest[1] != sha256(record.data).hexdigest():
            continue
        try:
            records[commit] = json.loads(record.data)
        except (ValueError, RecursionError):
            continue
    return records


def keep_versions(repo: Repository, place: str, versions: Sequence[KeptVersion]) -> None:
    """Add versions to those that are kept: two commands of git, however many they are, and none where all are kept.

    Each ref moves only from where it was seen, so that of two who keep at once neither loses what the other kept.
    Raises GitFailed when git cannot keep them.
    """
    for attempt in range(_TRIES):
        tips = find_kept(repo, place, {version.name for version in versions})
        new = _not_kept(versions, tips)
        if not new:
            return
        moves = _write(repo, place, new, tips)
        is_last = attempt == _TRIES - 1
        lines = [_move(ref, tip, to, is_last=is_last) for ref, tip, to in moves]
        trouble = _update(repo, lines)
        if not trouble:
            return
    # One ref that git cannot move must not keep the others where they are.
    failed = [said for line in lines if (said := _update(repo, [line]))]
    if failed:
        raise GitFailed("git update-ref --stdin", 128, failed[0])


def _update(repo: Repository, lines: Sequence[str]) -> str:
    """Move refs, all or none; return git's complaint, "" where they moved."""
    asked, data = ["update-ref", "--stdin"], "".join(lines).encode()
    done = repo.run(asked, data=data, accept=(0, 1, 128), reads=False)
    return (done.complaint or "it failed") if done.status else ""


def _not_kept(versions: Iterable[KeptVersion], tips: Mapping[str, Tip]) -> list[KeptVersion]:
    there = {(name, kept.id) for name, tip in tips.items() for kept in tip.versions}
    new = {(one.name, one.id): one for one in versions if one.name in tips}
    return [one for key, one in new.items() if key not in there]


def _move(ref: str, tip: Tip, to: str, *, is_last: bool) -> str:
    """Write one move. A ref that still seems not to be there after two tries is a damaged one, and is replaced."""
    if tip.commit:
        return f"update {ref} {to} {tip.commit}\n"
    return f"update {ref} {to}\n" if is_last else f"create {ref} {to}\n"


# ---------------------------------------------------------------- reading


def _objects(repo: Repository, names: Collection[str]) -> dict[str, GitObject]:
    """Return objects by name; damaged ones are left out, as missing ones are."""
    try:
        return repo.named_objects(names)
    except GitFailed:
        pass
    found: dict[str, GitObject] = {}
    for name in names:
        with suppress(GitFailed):
            found.update(repo.named_objects([name]))
    return found


def _tip(found: GitObject | None, name: str) -> Tip:
    if found is None or found.kind != "commit":
        return Tip()
    message = _message(found)
    kept = sorted(
        (Kept(int(one["seconds"]), int(one["number"]), one["id"], one["commit"])
         for one in _KEPT.finditer(message)),
        reverse=True,
    )  # fmt: skip
    if kept:
        return Tip(found.id, tuple(kept), tuple(_OTHER.findall(message)))
    version = _VERSION.fullmatch(message.partition("\n")[0])
    if version is None or version["name"] != name or not _SHA256.search(message):
        return Tip(found.id, (), (found.id,))
    one = Kept(_seconds(found), int(version["number"]), version["id"], found.id)
    return Tip(found.id, (one,))


def _message(commit: GitObject) -> str:
    return (commit.data or b"").partition(b"\n\n")[2].decode("utf-8", "replace")


def _seconds(commit: GitObject) -> int:
    match = re.search(rb"^committer .* (\d{1,12}) \+0000$", commit.data or b"", re.MULTILINE)
    return int(match[1]) if match else 0


# ---------------------------------------------------------------- writing


def _write(
    repo: Repository, place: str, new: Sequence[KeptVersion], tips: Mapping[str, Tip]
) -> list[tuple[str, Tip, str]]:
    """Write the commits, and return how the refs are to move: the ref, from where, and to which commit."""
    with _importing(repo) as importing:
        return _written(importing, place, new, tips)


def _written(
    importing: _Importing, place: str, new: Sequence[KeptVersion], tips: Mapping[str, Tip]
) -> list[tuple[str, Tip, str]]:
    ids = importing.write([_commit(version) for version in new])
    kept: dict[str, list[Kept]] = {}
    for version, commit in zip(new, ids, strict=True):
        one = Kept(unix_seconds(version.time), version.number, version.id, commit)
        kept.setdefault(version.name, []).append(one)
    merged: dict[str, bytes] = {}
    to: dict[str, str] = {}
    for name, added in kept.items():
        tip = tips[name]
        versions = sorted((*tip.versions, *added), reverse=True)
        if len(versions) == 1 and not tip.others:
            to[name] = versions[0].commit
        else:
            merged[name] = _merge(importing, place, name, versions, tip.others)
    to.update(zip(merged, importing.write(list(merged.values())), strict=True))
    return [(version_ref(place, name), tips[name], commit) for name, commit in to.items()]


class _Importing:
    """One git that takes commits in, and tells the ids of some before it is given those that name them."""

    def __init__(self, child: Popen[bytes]) -> None:
        assert child.stdin is not None  # started with pipes
        assert child.stdout is not None
        self._stream, self._answers = child.stdin, child.stdout
        self._marks: dict[str, int] = {}
        self._last = 0

    def write(self, commits: Sequence[bytes]) -> list[str]:
        """Write commits, none on top of another, and return their ids; no ref is written."""
        ids: list[str] = []
        for first in range(0, len(commits), _AT_ONCE):
            numbered = list(enumerate(commits[first : first + _AT_ONCE], start=self._last + 1))
            self._stream.write(_stream(numbered))
            self._stream.flush()
            for self._last, _ in numbered:
                ids.append(self._answers.readline().decode().removesuffix("\n"))
                self._marks[ids[-1]] = self._last
        return ids

    def name(self, commit: str) -> str:
        """Return what a commit is called in the stream: what it has just been given, git cannot find by its id yet."""
        return f":{self._marks[commit]}" if commit in self._marks else commit


@contextmanager
def _importing(repo: Repository) -> Iterator[_Importing]:
    asked = ["fast-import", "--quiet", "--date-format=raw"]
    child = start_git(repo.root, asked, reads=False)
    try:
        yield _Importing(child)
    except BrokenPipeError as error:  # it has ended, and says why
        done = finish_git(child, asked)
        raise GitFailed("git fast-import", done.status, done.complaint) from error
    except BaseException:
        child.kill()
        finish_git(child, asked, accept={-SIGKILL})
        raise
    finish_git(child, asked)


def _stream(commits: Iterable[tuple[int, bytes]]) -> bytes:
    reset = f"reset {_PENDING}\n\n".encode()
    parts = [reset]
    for mark, commit in commits:
        head, _, rest = commit.partition(b"\n")
        parts += [head, b"\nmark :%d\n" % mark, rest, b"\nget-mark :%d\n" % mark, reset]
    return b"".join(parts)


def _commit(version: KeptVersion) -> bytes:
    text = json.dumps(version.record, ensure_ascii=False, indent=1, sort_keys=True).encode()
    message = (
        f"{version.name} v{version.number} {version.id}\n\n"
        f"Skillsync-Record: sha256:{sha256(text).hexdigest()}\n"
    )
    lines = [
        f"commit {_PENDING}",
        f"author {person_line(version.label, version.time)}",
        _committer(unix_seconds(version.time)),
        "",
    ]
    files = file_lines({**version.files, RECORD: text})
    return b"".join(["\n".join(lines).encode(), data_block(message.encode()), *files])


def _committer(seconds: int) -> str:
    return f"committer skillsync <skillsync@localhost> {seconds} +0000"


def _merge(
    importing: _Importing, place: str, name: str, versions: Sequence[Kept], others: Sequence[str]
) -> bytes:
    """Write the merge of all versions, newest first, with the tree of the newest."""
    lines = [
        f"Skillsync-Kept: v{one.number} {one.id} {one.seconds} {one.commit}" for one in versions
    ]
    lines += [f"Skillsync-Other: {one}" for one in others]
    count = f"{len(versions)} versions" if len(versions) != 1 else "a version"
    message = "\n".join([f"{name}: {count} as {place} had them", "", *lines, ""])
    newest, *older = map(importing.name, [*(one.commit for one in versions), *others])
    head = [
        f"commit {_PENDING}",
        _committer(versions[0].seconds),
        "",
    ]
    parents = [f"from {newest}\n", *(f"merge {one}\n" for one in older)]
    return b"".join(
        ["\n".join(head).encode(), data_block(message.encode()), "".join(parents).encode()]
    )
