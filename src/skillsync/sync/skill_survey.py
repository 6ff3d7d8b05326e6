"""Finds out, for every skill in scope, what base, local and remote are, and asks core for the verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from skillsync.core.base import WALK_LIMIT, Bases, WalkStep, newest, own_creation, own_walk
from skillsync.core.claims import Claim, Renamed, Standing, settle_claims, who_renamed
from skillsync.core.reconcile_skill import (
    Absence,
    BaseFact,
    LocalFact,
    PushStep,
    RemoteFact,
    SkillFacts,
    Verdict,
    decide_skill,
    needs_remote_content,
)
from skillsync.core.safety import check_listing
from skillsync.errors import (
    BadAnswer,
    NotAllowed,
    NotFound,
    RemoteError,
    RenamedHere,
    SkillsyncError,
    Unreachable,
)
from skillsync.formats.canonical import skill_digest
from skillsync.model import Digest, Folder, Problem, RemoteSkill, SkillPointer, Version
from skillsync.repo.pointer import POINTER, parse_pointer
from skillsync.sync.aside import set_aside
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
from skillsync.sync.predecessors import find_predecessors
from skillsync.sync.skill_later import SkillLater
from skillsync.sync.workspace import Remote, Workspace, chosen

if TYPE_CHECKING:
    from skillsync.api.listing import Listing
    from skillsync.api.skills import Wanted
    from skillsync.config import Target

FEW = 50
"""Up to so many skills HEAD's pointers are asked for one by one: cheaper than a list of its whole tree."""
CONFIRM_AFTER = 5.0
"""Seconds between the two listings that confirm an absence (sync.md 7.1)."""


class _Digested(NamedTuple):
    """A remote version's digest, and what it was made of: asked several times, it is made once."""

    remote: RemoteSkill
    local: LocalSkill | None
    digest: Digest


@dataclass
class SkillView:
    """One skill seen from all sides, with the verdict.

    ``line`` is the tree's pointer line that counts; ``ignored`` tells that a line was there and does not.
    ``content`` is the latest version read whole, when a decision or an action needed it. ``pointed`` is the base by
    pointers alone, ``by_marker``: the base is
    what a marker names, and its content was not compared yet; ``unmarked``: the base or the latest is our own version
    1, to which a marker is still missing (B9). ``bases`` are all common ancestors of the tree and the latest version,
    where they were looked for, and ``alike`` what they have where commits are among them ("": they differ).
    ``made_from``: the commit that the latest version's marker names, where
    this clone does not have it.
    """

    name: str
    dir: str | None
    local: LocalSkill | None = None
    line: SkillPointer | None = None
    ignored: bool = False
    base: BaseFact | None = None
    pointed: BaseFact | None = None
    bases: Bases | None = None
    alike: Digest | None = None
    version: Version | None = None
    content: RemoteSkill | None = None
    absence: Absence = Absence.NEVER
    own: bool = False
    by_marker: bool = False
    unmarked: bool = False
    superseded: bool = False
    made_from: str = ""
    renamed: Renamed | None = None
    error: SkillsyncError | None = None
    problem: Problem | None = None
    _digested: _Digested | None = field(default=None, repr=False)

    @property
    def remote_digest(self) -> Digest | None:
        """The latest content's digest; an unknown extra is the local one (sync.md 6)."""
        if self.version and self.base and self.version.id == self.base.id:
            return self.base.digest
        return self.digest_of(self.content) if self.content else None

    def digest_of(self, remote: RemoteSkill) -> Digest:
        """Return a remote version's digest with the local extra standing in for an unknown one."""
        known = self._digested
        if known is None or known.remote is not remote or known.local is not self.local:
            local = self.local.reading.skill if self.local else None
            digest = skill_digest(remote.content, stand_in=local.extra if local else None)
            known = self._digested = _Digested(remote, self.local, digest)
        return known.digest

    def as_taken_in(self, content: RemoteSkill, was_here: Callable[[str], bool]) -> RemoteSkill:
        """Return the base's version without files that were ignored by git when it was taken in, and are no more.

        They were never written here, so that their absence is no deletion. The base's digest tells: it fits only
        without them. ``was_here`` tells of a path whether some commit of HEAD's history has it.
        """
        base, skill = self.base, self.local.reading.skill if self.local else None
        if base is None or content.version.id != base.id or self.digest_of(content) == base.digest:
            return content
        missing = content.content.files.keys() - (skill.files.keys() if skill else set())
        without = set_aside(content, [path for path in missing if not was_here(path)])
        return without if self.digest_of(without) == base.digest else content

    def place_in(self, workspace: Workspace) -> tuple[str, Folder | None]:
        """Return where it lies here, or would lie, and what lies there."""
        directory = self.dir or f"{workspace.settings.skills[0]}/{self.name}"
        return directory, self.local.folder if self.local else None

    @property
    def known_ids(self) -> frozenset[str] | None:
        """The ids of the live skill's versions; None unless they were read back to the base's (S24)."""
        versions = self.content.versions if self.content else ()
        if self.base is None or not any(one.number <= self.base.number for one in versions):
            return None
        return frozenset(one.id for one in versions)

    @property
    def facts(self) -> SkillFacts:
        """The facts as core wants them."""
        local = None
        if self.local is not None:
            local = LocalFact(self.local.digest, self.local.is_valid)
        remote = None
        if self.version is not None:
            remote = RemoteFact(
                self.version.number,
                self.version.id,
                self.version.first,
                self.remote_digest,
                self.own,
            )
        base = self.base
        if base is not None and self.alike is not None:
            base = replace(base, digest=self.alike)
        return SkillFacts(
            self.name,
            base,
            local,
            remote,
            self.absence,
            superseded=self.superseded,
            unmarked=self.unmarked,
            renamed=self.renamed,
            known_ids=self.known_ids,
        )

    @property
    def row(self) -> str:
        """The row of sync.md 7.1 that it is in: the verdict's, or what kept the skill from being decided."""
        if isinstance(self.error, RenamedHere):
            return "S21"
        return "S25" if isinstance(self.error, RemoteError) else self.verdict.row

    @property
    def verdict(self) -> Verdict:
        """What push and pull do with it."""
        return decide_skill(self.facts)


@dataclass
class SkillSurvey:
    """All skills in scope, by name, and what is wrong with the rest.

    ``markers`` is what was found out about markers, where the server was asked.
    """

    views: dict[str, SkillView]
    problems: list[Problem]
    listed: bool
    complete: bool = True
    markers: Markers | None = field(default=None, repr=False)


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
    survey = _local_views(workspace, target, tree, names)
    if remote is None:
        _find_bases(workspace, target, survey.views.values())
        return survey
    started = confirm.monotonic() if confirm else 0.0
    listing = listing or remote.skills.list()
    survey.listed, survey.complete = True, listing.complete
    _add_remote(workspace, target, survey, listing.items, names)
    _add_unusable(survey, listing.problems)
    _settle_claims(workspace, survey, listing.items)
    _find_bases(workspace, target, survey.views.values())
    markers = survey.markers = Markers(workspace, remote, survey.problems)
    markers.find_renamed(survey.views, listing.items, here={skill.name for skill in tree.skills})
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
        _use_own_publishes(workspace, view, remote)
        if view.local is None and tree.commit is not None:
            _use_own_before_removal(workspace, view, remote)
        _find_all_bases(view, markers)
    if workspace.is_team and tree.commit is not None:
        SkillLater(workspace).settle(survey.views.values())
    return survey


# ---------------------------------------------------------------- local


def _local_views(
    workspace: Workspace, target: Target, tree: LocalTree, names: Collection[str]
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


def _find_bases(workspace: Workspace, target: Target, views: Iterable[SkillView]) -> None:
    others = {one.place for one in workspace.settings.targets.values()} - {target.place}
    for view in views:
        first = view.version.first if view.version else (view.line.first if view.line else None)
        candidates = [view.line] if view.line and _counts_for(view.line, view.version) else []
        if view.version is not None and (view.line is None or view.line.id != view.version.id):
            candidates += _other_lines(workspace, view, others)
        found = newest(candidates, first) or newest(candidates, None)
        if found is not None:
            view.base = BaseFact(found.number, found.id, found.first, found.digest)
        view.pointed = view.base


def _counts_for(line: SkillPointer, version: Version | None) -> bool:
    """Tell whether a line says anything about what is there: what is known to be gone says no more than that (S16)."""
    return not line.gone or (version is not None and version.first == line.first)


def _other_lines(
    workspace: Workspace, view: SkillView, others: Collection[str]
) -> list[SkillPointer]:
    """Return what HEAD's history, or a line for another host, says about this incarnation (design.md 3).

    Lines of ``others``, the other targets' places, are theirs alone: where one server is a copy of another, their
    versions bear the same incarnation and go different ways.
    """
    version = view.version
    if version is None:
        return []
    lines: list[SkillPointer] = []
    for line, pointer in workspace.history.pointers_for(version.first):
        directory = line.path.removesuffix(f"/{POINTER}")
        if pointer.place in others:
            continue
        if pointer.number <= version.number and workspace.history.committed_counts(
            pointer, directory, None
        ):
            lines.append(pointer)
    return lines


def _settle_claims(workspace: Workspace, survey: SkillSurvey, versions: Sequence[Version]) -> None:
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
        Claim(view.dir or "", view.name, view.line.first if view.line else None) for view in folders
    ]
    standings = settle_claims(claims, remote_names=names)
    for view in folders:
        match standings[view.dir or ""]:
            case Standing.COPY:
                view.line = view.base = None
            case Standing.RENAMED:
                assert view.line is not None  # else nothing would say that it was published
                _settle_name(workspace, survey, view, view.line, found[view.line.first])
            case Standing.KEEPS | Standing.DUPLICATE:
                pass


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


def renamed_here(name: str, owner: str) -> RenamedHere:
    """The error for a name that was changed here, where the server cannot follow (S21)."""
    return RenamedHere(
        f"this folder was published as {owner!r} and its name is now {name!r}; this server "
        "cannot rename a skill",
        subject=name,
        unchanged="It was neither published nor pulled.",
        hint=f"set `name: {owner}` again, or remove its .skillsync line to publish a new skill",
    )


def _names_since(
    workspace: Workspace, view: SkillView, line: SkillPointer
) -> tuple[set[str], str | None]:
    """Return the names that the skill had here since its pointer was written, and the first, as far as that is known.

    The line came along where the folder was moved, so that the names which it had elsewhere count.
    """
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
    if line.stamp is not None and view.local and view.local.files == line.stamp.files:
        found.append(view.name)
        first: str | None = view.name
    elif written:
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
        if not complete:
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
        if view.name in listed:
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


def read_into(workspace: Workspace, remote: Remote, views: Mapping[str, SkillView]) -> None:
    """Read the latest content of each view, in parallel; a failure becomes the view's error.

    Of a linked skill its versions since the base come along: what went backwards meanwhile, and grew again, does not
    know the base's id any more (S24).
    """
    wanted = [(name, view.version.number if view.version else None) for name, view in views.items()]
    since = {
        name: number for name, view in views.items() if (number := _versions_from(view)) is not None
    }
    known = {name: known_texts(view) for name, view in views.items()}
    found: dict[str, RemoteSkill] = {}
    listed: dict[Wanted, Version] = {
        (name, view.version.number): view.version for name, view in views.items() if view.version
    }
    read = remote.skills.read_many(wanted, since=since, known=known, listed=listed)
    for (name, _), result in read:
        if isinstance(result, RemoteSkill):
            found[name] = result
        else:
            views[name].error = result
    placed = [(*views[name].place_in(workspace), content) for name, content in found.items()]
    for name, content in zip(found, workspace.aside.put_aside(placed), strict=True):
        views[name].content = content


def _versions_from(view: SkillView) -> int | None:
    """From which number on the versions of a skill are asked for together with its content, None: not at all."""
    base, version = view.base, view.version
    if version is None:
        return None
    if base is not None and base.first == version.first:
        return base.number
    return 1 if version.description is not None and view.local is not None else None


def known_texts(view: SkillView) -> Mapping[str, str]:
    """Return the texts of a skill's local files as a server may store them, by the digest a manifest would name.

    Only the newest servers name digests; from others every file is asked for.
    """
    if view.local is None or view.version is None or view.version.description is None:
        return {}
    reading = view.local.reading
    texts = {text.strip() for text in reading.raw_files.values()}
    texts |= {*reading.raw_files.values()}
    if reading.skill is not None:
        texts |= {*reading.skill.files.values()}
    return {sha256(text.encode("utf-8", "surrogatepass")).hexdigest(): text for text in texts}


def read_version(
    workspace: Workspace, remote: Remote, view: SkillView, *, number: int | None = None
) -> RemoteSkill:
    """Read one version of a skill (None: the latest) as it is seen here: without what git ignores (F22)."""
    content = remote.skills.read(
        view.name, number=number, known=known_texts(view), listed=_listed(view, number)
    )
    return workspace.aside.put_aside([(*view.place_in(workspace), content)])[0]


def _listed(view: SkillView, number: int | None) -> Version | None:
    """Return a version as the server named it in this run, where it did; the latest is always asked for anew."""
    known = (view.version, *(view.content.versions if view.content else ()))
    return next((one for one in known if one and one.number == number), None)


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


# ---------------------------------------------------------------- own publishes without a marker (sync.md 5.5)


def _use_own_publishes(workspace: Workspace, view: SkillView, remote: Remote) -> None:
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


def _use_own_before_removal(workspace: Workspace, view: SkillView, remote: Remote) -> None:
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
    later = workspace.repo.commits_touching(view.dir or "", head=upstream, since=head)
    latest = view.digest_of(view.content)
    return any(
        workspace.skill_history.digest_at(commit, view.dir or "", view.name) == latest
        for commit in later
    )
