"""Finds out, for every skill in scope, what base, local and remote are, and asks core for the verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from skillsync.core.claims import Claim, Renamed, Standing, settle_claims, who_renamed
from skillsync.core.reconcile_skill import (
    Absence,
    BaseFact,
    PushStep,
    needs_remote_content,
)
from skillsync.core.safety import check_listing
from skillsync.errors import (
    BadAnswer,
    NotAllowed,
    NotFound,
    RenamedHere,
    SkillsyncError,
    Unreachable,
)
from skillsync.model import Digest, Problem, SkillPointer, Version
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.sync.clock import Clock
from skillsync.sync.evidence import Lines
from skillsync.sync.local import (
    LocalSkill,
    LocalTree,
    clash_problem,
    join,
    last_part,
    name_clashes,
    pointer_line,
    unread_pointer,
)
from skillsync.sync.markers import Markers
from skillsync.sync.own_publishes import use_own_before_removal, use_own_publishes
from skillsync.sync.predecessors import find_predecessors, find_renamed_since
from skillsync.sync.skill_later import SkillLater
from skillsync.sync.skill_lines import Claimed, claimed_by, find_bases
from skillsync.sync.skill_reading import read_into
from skillsync.sync.skill_view import SkillSurvey, SkillView
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.api.listing import Listing
    from skillsync.config import Target

FEW = 50
"""Up to so many skills HEAD's pointers are asked for one by one: cheaper than a list of its whole tree."""
CONFIRM_AFTER = 5.0
"""Seconds between the two listings that confirm an absence (sync.md 7.1)."""


def survey_skills(
    workspace: Workspace,
    target: Target,
    tree: LocalTree,
    *,
    remote: Remote | None,
    names: Collection[str] = (),
    confirm: Clock | None = None,
    listing: Listing[Version] | None = None,
    max_removals: int | None = None,
) -> SkillSurvey:
    """Look at every skill in scope from all sides.

    ``remote`` None is offline: versions are then unknown. ``confirm`` given: an absence is confirmed by a second
    listing at least 5 s later. ``listing`` is the list of the remote's skills, where the caller has it already.
    ``max_removals`` is the exact count of skills that a user said are gone.
    Raises RemoteError when the listing itself fails, RefusedForSafety when everything seems to be gone.
    """
    claimed = claimed_by(tree, target.place)
    survey = _local_views(workspace, target, tree, claimed, names)
    if remote is None:
        find_bases(workspace, target, claimed, survey.views.values())
        return survey
    started = confirm.monotonic() if confirm else 0.0
    listing = listing or remote.skills.list()
    survey.listed, survey.complete = True, listing.complete
    _add_remote(workspace, target, survey, listing.items, names)
    _add_unusable(survey, listing.problems)
    _settle_claims(workspace, tree, claimed, survey, listing.items)
    find_bases(workspace, target, claimed, survey.views.values())
    markers = survey.markers = Markers(workspace, remote, survey.problems)
    _follow_renames(workspace, target, tree, claimed, survey, markers, listing.items)
    markers.look(survey.views.values())
    find_predecessors(workspace, target, survey.views.values(), listing.items)
    _judge_absence(
        survey, remote, listing.items, complete=listing.complete, max_removals=max_removals
    )
    if confirm is not None:
        _confirm_absence(survey, remote, clock=confirm, started=started, max_removals=max_removals)
    _read_contents(workspace, survey, remote, markers)
    for view in survey.views.values():
        _use_markers(view, markers)
        use_own_publishes(workspace, view, remote)
        if view.local is None and tree.commit is not None:
            use_own_before_removal(workspace, view, remote)
        _find_all_bases(view, markers)
    if workspace.is_team and tree.commit is not None:
        SkillLater(workspace).settle(survey.views.values())
    return survey


# ---------------------------------------------------------------- local


def _local_views(
    workspace: Workspace,
    target: Target,
    tree: LocalTree,
    claimed: Claimed,
    names: Collection[str],
) -> SkillSurvey:
    problems = problems_in_scope(workspace, tree, names)
    views: dict[str, SkillView] = {}
    clashes = name_clashes(tree.skills)
    for name, skills in clashes.items():
        if any(_in_scope(workspace, target, skill, names) for skill in skills):
            problems.append(clash_problem(name, [skill.dir for skill in skills]))
    for skill in tree.skills:
        if skill.name not in clashes and _in_scope(workspace, target, skill, names):
            views[skill.name] = _local_view(workspace, target, skill, skill, tree, problems)
    for skill in tree.gone_skills:
        line = pointer_line(skill.folder, target.place)
        if isinstance(line, SkillPointer) and line.first in claimed:
            continue  # its folder lies elsewhere now, perhaps under another name
        if skill.name not in views and _in_scope(workspace, target, skill, names):
            views[skill.name] = _local_view(workspace, target, None, skill, tree, problems)
    for name in clashes:
        views.pop(name, None)
    return SkillSurvey(views, problems, listed=False)


def problems_in_scope(
    workspace: Workspace, tree: LocalTree, names: Collection[str]
) -> list[Problem]:
    """Return what is wrong with the tree itself, such as folders that cannot be read, where it is asked about."""
    return [
        one
        for one in tree.problems
        if chosen(
            names,
            name=last_part(one.subject or one.path),
            directory=one.subject or one.path,
            root=workspace.repo.root,
            start=workspace.start,
        )
    ]


def _in_scope(
    workspace: Workspace, target: Target, skill: LocalSkill, names: Collection[str]
) -> bool:
    return target.takes_skill(skill.name) and chosen(
        names,
        name=skill.name,
        directory=skill.dir,
        root=workspace.repo.root,
        start=workspace.start,
    )


def _local_view(
    workspace: Workspace,
    target: Target,
    local: LocalSkill | None,
    skill: LocalSkill,
    tree: LocalTree,
    problems: list[Problem],
) -> SkillView:
    found: list[Problem] = []
    line = pointer_line(skill.folder, target.place, found)
    problems.extend(found)
    found = [one for one in found if one.subject in {"", target.place}]
    found += unread_pointer(tree, skill.dir)
    view = SkillView(skill.name, skill.dir, local, problem=found[0] if found else None)
    head_line = line
    if tree.commit is None and (line is not None or local is None):
        # A line taken out of the tree counts as taken out already before that is committed (S16 --local); while
        # the remote skill lives, HEAD's history says what was taken in all the same.
        is_one_of_few = len(tree.skills) + len(tree.gone_skills) <= FEW
        head_line = _head_line(workspace, skill.dir, target.place, alone=is_one_of_few)
    files = skill.files if local is not None else ""
    counted, view.ignored = workspace.history.tree_line(Lines(line, head_line), skill.dir, files)
    view.line = counted if isinstance(counted, SkillPointer) else None
    view.stray = line if view.line is None and isinstance(line, SkillPointer) else None
    return view


def _head_line(
    workspace: Workspace, directory: str, place: str, *, alone: bool
) -> SkillPointer | None:
    known = workspace.head_pointer if alone else workspace.head_pointers.get
    data = known(directory)
    if data is None:
        return None
    line = parse_pointer(data, path=join(directory, POINTER)).lines.get(place)
    return line if isinstance(line, SkillPointer) else None


# ---------------------------------------------------------------- remote


def _add_remote(
    workspace: Workspace,
    target: Target,
    survey: SkillSurvey,
    versions: Iterable[Version],
    names: Collection[str],
) -> None:
    clashing = {
        problem.subject for problem in survey.problems if problem.code == "E-SKILL-DUPLICATE"
    }
    for version in versions:
        if version.name in clashing or not target.takes_skill(version.name, version.category):
            continue
        view = survey.views.get(version.name)
        if view is None:
            directory = f"{workspace.settings.skills[0]}/{version.name}"
            if not chosen(
                names,
                name=version.name,
                directory=directory,
                root=workspace.repo.root,
                start=workspace.start,
            ):
                continue
            view = survey.views[version.name] = SkillView(version.name, None)
        view.version = version
        view.absence = Absence.PRESENT


def _add_unusable(survey: SkillSurvey, problems: Iterable[Problem]) -> None:
    """An entry of the list that cannot be used fails alone, and its skill is not taken for absent (P17)."""
    for problem in problems:
        view = survey.views.get(problem.subject)
        if view is None:
            survey.problems.append(problem)
        else:
            view.error = BadAnswer(
                problem.message,
                subject=view.name,
                unchanged="Nothing of this skill was sent or written.",
            )


def _settle_claims(
    workspace: Workspace,
    tree: LocalTree,
    claimed: Claimed,
    survey: SkillSurvey,
    versions: Sequence[Version],
) -> None:
    """A folder whose pointer belongs to another live skill is a copy, or one side gave it another name (S20–S23).

    The list tells, by the incarnation, which a rename keeps; so the redirect from a version's id to the skill's name
    (skills-api.md 6, sync.md A8) is not asked for. It would cost two requests for each skill that is missed and say
    what the list says already: what the list leaves out, because the key may not see it, is refused by its id as well,
    and an archived skill has none. The servers before that redirect answer 404, which would prove nothing.
    """
    found = {version.first: version for version in versions}
    names = {first: version.name for first, version in found.items()}
    folders = [view for view in survey.views.values() if view.local is not None]
    claims = [
        Claim(view.dir or "", view.name, view.named.first if view.named else None)
        for view in folders
    ]
    asked, by_dir = {claim.dir for claim in claims}, {one.dir: one.name for one in tree.skills}
    others = [
        Claim(directory, by_dir[directory], first)
        for first, directories in claimed.items()
        for directory in directories
        if directory not in asked
    ]
    standings = settle_claims([*claims, *others], remote_names=names)
    for claim in (*claims, *others):
        if standings[claim.dir] is Standing.RENAMED:
            _keep_apart(survey.views.get(names[claim.first or ""]))
    for view in folders:
        match standings[view.dir or ""]:
            case Standing.COPY:
                view.line = view.base = None
            case Standing.RENAMED:
                assert view.named is not None  # else nothing would say that it was published
                _settle_name(workspace, survey, view, view.named, found[view.named.first])
            case Standing.KEEPS | Standing.DUPLICATE:
                pass


def _keep_apart(view: SkillView | None) -> None:
    """What the server has under this folder's name is another folder's skill, which bears another name here.

    Where this folder is linked, its own skill is gone (S15, S16). Else it is a new one: the other is renamed first, and
    then the name is free, or its creation is refused (S5).
    """
    if view is not None and view.local is not None:
        view.version, view.absence, view.name_is_taken = None, Absence.NEVER, True


def _settle_name(
    workspace: Workspace,
    survey: SkillSurvey,
    view: SkillView,
    line: SkillPointer,
    version: Version,
) -> None:
    """Find out who renamed it; only servers that keep descriptions can rename a skill (skills-api.md 11)."""
    known, first = _names_since(workspace, view, line)
    there = survey.views.get(version.name)
    if there is not None and there.local is None:
        del survey.views[version.name]  # it is this one
    view.renamed = who_renamed(known, first=first, local=view.name, remote=version.name)
    if view.renamed is None or (view.renamed is Renamed.HERE and version.description is None):
        view.renamed = None
        view.error = renamed_here(view.name, version.name)
        return
    view.version, view.absence = version, Absence.PRESENT
    if view.line is None:
        view.base = _unknown_content(version)


def _unknown_content(version: Version) -> BaseFact:
    """Return the base where no line counts: that it was there is known, what was taken in is not."""
    return BaseFact(0, "", version.first, Digest(""))


def _follow_renames(
    workspace: Workspace,
    target: Target,
    tree: LocalTree,
    claimed: Claimed,
    survey: SkillSurvey,
    markers: Markers,
    versions: Sequence[Version],
) -> None:
    """Give skills that were renamed there to the folders that history, or a marker, knows them to be of (S20).

    The newer of both is what was taken in. One that a folder's own line names is that folder's, whatever it is called.
    """
    views, here = survey.views, {skill.name for skill in tree.skills}
    versions = [version for version in versions if version.first not in claimed]
    elsewhere = [version for version in versions if version.name not in here]
    found = find_renamed_since(workspace, target, views.values(), elsewhere)
    for version in found.values():
        views.pop(version.name, None)  # it is this one
    markers.find_renamed(views, versions, here=here)
    for name, version in found.items():
        view = views[name]
        by_marker = view.base
        view.version, view.absence, view.renamed = version, Absence.PRESENT, Renamed.THERE
        find_bases(workspace, target, claimed, [view])
        pointed = view.base or _unknown_content(version)
        view.base = max(by_marker or pointed, pointed, key=lambda base: base.number)


def renamed_here(name: str, owner: str) -> RenamedHere:
    """The error for a name that was changed here, where the server cannot follow (S21)."""
    return RenamedHere(
        f"this folder was published as {owner!r} and its name is now {name!r}; this server "
        "cannot rename a skill",
        subject=name,
        unchanged="It was neither published nor pulled.",
        hint=f"set `name: {owner}` again, or remove its .skillsync line to publish a new skill",
    )


def name_taken(owner: str, name: str) -> RenamedHere:
    """The error for a name that was changed here to one that another skill has on the server (S21)."""
    return RenamedHere(
        f"it is {owner!r} on the server, which has another skill named {name!r}",
        subject=name,
        unchanged="It was neither renamed nor published.",
        hint=f"set `name:` to one that is free there, push and commit; once the other one is not called {name} "
        "any more, set it again",
    )


def name_of_another(name: str) -> RenamedHere:
    """The error for a new skill whose name the server still has for one that bears another name here (S20, S21)."""
    return RenamedHere(
        f"on the server {name!r} is the skill of another folder here, which has another name in this tree",
        subject=name,
        unchanged="It was not published.",
        hint="skillsync pull, or push, without a name settles that one first; or give this one another name",
    )


def _names_since(
    workspace: Workspace, view: SkillView, line: SkillPointer
) -> tuple[set[str], str | None]:
    """Return the names that the skill had here since its pointer was written, and the first, as far as that is known.

    The line came along where the folder was moved, so that the names which it had elsewhere count. Files that are as
    they were when the line was written bear the name that the server had then, whatever they are called in HEAD.
    """
    if line.stamp is not None and view.local and view.local.files == line.stamp.files:
        return {view.name}, view.name
    directory, history = view.dir or "", workspace.history
    added = [
        (one.commit, one.path.removesuffix(f"/{POINTER}"), pointer)
        for one, pointer in history.pointers_for(line.first)
        if pointer.id == line.id
    ]
    start = history.introduced_at(line.id, directory) or history.head
    since = [start, *history.touching(directory, since=start)] if start else []
    found = [_name_at(workspace, view, commit, place) for commit, place, _ in added]
    found += [_name_at(workspace, view, commit, directory) for commit in since]
    written = [(commit, place) for commit, place, pointer in added if pointer == line]
    if written:
        first = _name_at(workspace, view, *written[-1])
    else:
        first = _name_at(workspace, view, history.head, directory) if history.head else None
    return {name for name in found if name is not None}, first


def _name_at(workspace: Workspace, view: SkillView, commit: str, directory: str) -> str | None:
    then = workspace.skill_history.at(commit, directory, view.name)
    return then.name if then is not None else None


def _judge_absence(
    survey: SkillSurvey,
    remote: Remote,
    versions: Sequence[Version],
    *,
    complete: bool,
    max_removals: int | None,
) -> None:
    """Decide what is known about linked skills that the listing does not have (sync.md 7.1, A9)."""
    linked = [view for view in survey.views.values() if view.base and not view.error]
    missing = [view for view in linked if view.version is None]
    here = [view for view in linked if view.local is not None]  # what is gone here too is no loss
    check_listing(
        linked=len(here),
        present=len(versions),
        absent=sum(view.version is None for view in here),
        max_removals=max_removals,
    )
    for view in missing:
        view.absence = Absence.UNCONFIRMED
        if not complete or view.name_is_taken:
            continue
        try:
            view.version = remote.skills.head(view.name)
            view.absence = Absence.PRESENT
        except NotFound:
            pass
        except NotAllowed as error:
            view.error = error
        except Unreachable:
            view.absence = Absence.UNREACHABLE
    if not complete:
        for view in survey.views.values():
            if view.version is None and view.base is None and view.local is not None:
                view.absence = Absence.UNCONFIRMED


def _confirm_absence(
    survey: SkillSurvey,
    remote: Remote,
    *,
    clock: Clock,
    started: float,
    max_removals: int | None,
) -> None:
    missing = [
        view
        for view in survey.views.values()
        if view.absence is Absence.UNCONFIRMED and view.base is not None and survey.complete
    ]
    if not missing:
        return
    clock.sleep(max(0.0, started + CONFIRM_AFTER - clock.monotonic()))
    again = remote.skills.list()
    listed = {version.name: version for version in again.items}
    linked = sum(1 for view in survey.views.values() if view.base is not None)
    sees_another = any(view.name in listed for view in survey.views.values() if view.base)
    info = None if sees_another else remote.key_info
    allowed = sees_another or (
        info is not None
        and linked < 2
        and bool({"*", "llm_skill:read", "llm_skill:write"} & set(info.scopes))
    )
    allowed = allowed or max_removals == sum(view.local is not None for view in missing)
    for view in missing:
        if view.name in listed and not view.name_is_taken:
            view.version, view.absence = listed[view.name], Absence.PRESENT
        elif again.complete and (allowed or view.local is None):
            view.absence = Absence.CONFIRMED


def _is_to_be_proven(view: SkillView) -> bool:
    """A marker is believed without its content only where nothing will be published over it."""
    return view.by_marker and view.local is not None and view.verdict.push is PushStep.PUBLISH


def _read_contents(
    workspace: Workspace, survey: SkillSurvey, remote: Remote, markers: Markers
) -> None:
    wanted = {
        view.name: view
        for view in survey.views.values()
        if not view.error and (needs_remote_content(view.facts) or _is_to_be_proven(view))
    }
    read_into(workspace, remote, wanted)
    for view in wanted.values():
        markers.refute(view)
        if view.base is None and view.content and view.local:
            view.own = remote.is_own(view.content.version.author)


def _use_markers(view: SkillView, markers: Markers) -> None:
    try:
        markers.look_back(view)
    except SkillsyncError as error:
        view.error = error


def _find_all_bases(view: SkillView, markers: Markers) -> None:
    try:
        markers.find_bases(view)
    except SkillsyncError as error:
        view.error = error
