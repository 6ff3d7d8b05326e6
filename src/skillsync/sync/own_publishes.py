"""Recognises what was published from HEAD's history by its content, where no marker says so (sync.md 5.5, B9)."""

from __future__ import annotations

from collections.abc import Sequence

from skillsync.core.base import WALK_LIMIT, WalkStep, own_creation, own_walk
from skillsync.core.reconcile_skill import BaseFact
from skillsync.errors import SkillsyncError
from skillsync.model import Digest, Version
from skillsync.sync.skill_reading import read_version
from skillsync.sync.skill_view import SkillView
from skillsync.sync.workspace import Remote, Workspace


def use_own_publishes(workspace: Workspace, view: SkillView, remote: Remote) -> None:
    """Recognise what was published from HEAD's history by content: on a server with markers only version 1 (B9)."""
    base, version, local = view.base, view.version, view.local
    if version is not None and version.description is not None:
        if not view.error and not view.renamed:
            _use_own_creation(workspace, view, remote, version)
        return
    if not (version and local and local.digest) or view.error or view.renamed:
        return
    if base and (base.first != version.first or version.number <= base.number):
        return
    known = base.number if base else 0
    is_equal = local.digest == (base.digest if base else view.remote_digest)
    if version.number - known > WALK_LIMIT or (base is None and is_equal):
        return
    if base is not None and is_equal and not _came_back(workspace, view, base):
        return
    try:
        if base is None:
            view.base = _own_since_creation(workspace, view, remote, version)
        else:
            view.base = own_walk(base, _steps_after(workspace, view, remote, base))
        if workspace.is_team and (view.base is None or view.base.id != version.id):
            view.superseded = _is_superseded(workspace, view, remote)
    except SkillsyncError as error:
        view.error = error


def use_own_before_removal(workspace: Workspace, view: SkillView, remote: Remote) -> None:
    """Recognise what CI published of a skill before HEAD's history removed it: no pointer says so, and it may go by name."""
    base, version = view.base, view.version
    if version is None or version.description is not None or view.error:
        return
    if base is not None and (base.first != version.first or version.number <= base.number):
        return
    try:
        directory = workspace.skill_history.deleted.get(view.name)
        if directory is None or version.number - (base.number if base else 0) > WALK_LIMIT:
            return
        view.dir = view.dir or directory
        if base is None:
            view.base = _own_since_creation(workspace, view, remote, version)
        else:
            view.base = own_walk(base, _steps_after(workspace, view, remote, base))
    except SkillsyncError as error:
        view.error = error


def _came_back(workspace: Workspace, view: SkillView, base: BaseFact) -> bool:
    """Tell whether commits since the pointer's changed the skill, so that being as it was then may be an edit."""
    if not workspace.is_team:
        return False  # a push has written the pointer
    history, directory = workspace.history, view.dir or ""
    since = history.introduced_at(base.id, directory)
    if since is None or not history.may_have_changed(directory, since=since):
        return False
    return bool(history.touching(directory, since=since))


def _use_own_creation(
    workspace: Workspace, view: SkillView, remote: Remote, version: Version
) -> None:
    """Take our own version 1 in where nothing else was, and see whether its marker is still missing.

    A job that created the skill died before it added the marker. Only team mode needs one: a pointer says it as well.
    """
    local = view.local
    if view.base is not None or local is None or not local.digest:
        return
    try:
        if local.digest != view.remote_digest:
            first = _first_version(workspace, view, remote)
            view.base = own_creation(first, version.first) if first else None
            if first and first.later and version.number == 1:
                view.superseded = workspace.is_team
        elif version.number == 1 and view.own and workspace.is_team:
            view.unmarked = True
    except SkillsyncError as error:
        view.error = error


def _first_version(workspace: Workspace, view: SkillView, remote: Remote) -> WalkStep | None:
    """Return version 1 held against the commits that touch the skill, None when it is not by our own account."""
    commits = [*reversed(workspace.history.touching(view.dir or "", since=None))]
    is_latest = view.content is not None and view.content.version.number == 1
    content = view.content if is_latest else None
    content = content or read_version(workspace, remote, view, number=1)
    if not remote.is_own(content.version.author):
        return None
    digest = view.digest_of(content)
    matches = [
        at
        for at, commit in enumerate(commits)
        if workspace.skill_history.digest_at(commit, view.dir or "", view.name) == digest
    ]
    later = bool(matches) and _went_back(workspace, view, digest)
    return WalkStep(1, content.version.id, digest, own=True, matches=tuple(matches), later=later)


def _went_back(workspace: Workspace, view: SkillView, digest: Digest) -> bool:
    """Tell whether a commit beyond HEAD may be what a version of this content was made from."""
    directory = view.dir or ""

    def digest_at(commit: str) -> Digest | None:
        return workspace.skill_history.digest_at(commit, directory, view.name)

    return workspace.made_later.went_back_to(directory, digest, digest_at)


def _own_since_creation(
    workspace: Workspace, view: SkillView, remote: Remote, version: Version
) -> BaseFact | None:
    """Return the newest own publish of a skill that no pointer names, walking forward from its creation (B9)."""
    commits = [*reversed(workspace.history.touching(view.dir or "", since=None))]
    steps = _steps(workspace, view, remote, after=0, commits=commits)
    created = own_creation(steps[0], version.first) if steps else None
    return created and own_walk(created, steps[1:], after=min(steps[0].matches))


def _steps_after(
    workspace: Workspace, view: SkillView, remote: Remote, base: BaseFact
) -> list[WalkStep]:
    """Return the versions after a base, held against the commits since its pointer was committed."""
    since = workspace.history.introduced_at(base.id, view.dir or "")
    if since is None:
        return []
    commits = [since, *reversed(workspace.history.touching(view.dir or "", since=since))]
    return _steps(workspace, view, remote, after=base.number, commits=commits)


def _steps(
    workspace: Workspace, view: SkillView, remote: Remote, *, after: int, commits: Sequence[str]
) -> list[WalkStep]:
    """Return the versions from ``after`` on, oldest first, up to the first that is not own or matches no commit.

    ``commits`` are those of HEAD's history that may have been published, oldest first.
    """
    versions = (view.content.versions if view.content else ()) or remote.skills.versions(
        view.name, newest=WALK_LIMIT
    )
    later = sorted((one for one in versions if one.number > after), key=lambda one: one.number)
    if not commits or not later or not remote.is_own(later[0].author):
        return []
    at_commit = [
        workspace.skill_history.digest_at(commit, view.dir or "", view.name) for commit in commits
    ]
    steps: list[WalkStep] = []
    for item in later:
        if not remote.is_own(item.author):
            steps.append(WalkStep(item.number, item.id, Digest(""), own=False))
            break
        is_latest = view.content is not None and view.content.version.id == item.id
        content = view.content if is_latest else None
        content = content or read_version(workspace, remote, view, number=item.number)
        digest = view.digest_of(content)
        matches = tuple(at for at, found in enumerate(at_commit) if found == digest)
        is_later = bool(matches) and _went_back(workspace, view, digest)
        steps.append(
            WalkStep(item.number, item.id, digest, own=True, matches=matches, later=is_later)
        )
        if not matches or is_later:
            break
    return steps


def _is_superseded(workspace: Workspace, view: SkillView, remote: Remote) -> bool:
    """S12 without markers: a commit after HEAD on the publish branch holds the latest, own content."""
    branch = workspace.settings.publish_branch
    head = workspace.history.head
    upstream = workspace.repo.upstream_of(branch) if branch else None
    if not (
        head and upstream and view.content and view.version and remote.is_own(view.version.author)
    ):
        return False
    later = workspace.repo.history.commits_touching(view.dir or "", head=upstream, since=head)
    latest = view.digest_of(view.content)
    return any(
        workspace.skill_history.digest_at(commit, view.dir or "", view.name) == latest
        for commit in later
    )
