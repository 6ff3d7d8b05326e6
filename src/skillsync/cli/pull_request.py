"""`pull --pr`: the store's edits as a pull request that keeps itself up to date and closes when nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from skillsync.cli.boundary import Run
from skillsync.cli.forge_session import forge_calls, place_of, proposals_of
from skillsync.cli.render import visible
from skillsync.core.plan import exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillsync.config import Target
    from skillsync.forge.proposals import Proposal, Proposals
    from skillsync.model import Json
    from skillsync.sync.pull_branch import Composed, Made
    from skillsync.sync.workspace import Connect, Workspace

SCHEMA = "skillsync.pull-request/1"
_INTRO = (
    "Somebody edited these in the store. Merging takes the edits in; until then a push of the same objects is refused. "
    "Whatever was edited here since is merged by git, and a conflict is one of git's own."
)
_FOOT = "Made by `skillsync pull --pr`; it is kept up to date until somebody commits to the branch."


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said."""

    names: tuple[str, ...]
    prune: bool
    max_removals: int | None
    base: str | None
    split: Literal["project", "skill"]
    on_conflict: Literal["branch", "stop"]
    dry_run: bool


@dataclass
class _Done:
    """What became of each branch, as JSON has it."""

    requests: list[Json] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)


def pull_into_requests(
    run: Run, workspace: Workspace, target: Target, connect: Connect, asked: Asked
) -> int:
    """Make, update or close the pull requests and return the exit code."""
    from skillsync.sync.pull_branch import PREFIX, BranchRequest, base_of, compose

    name, commit = base_of(workspace, asked.base)
    found = compose(
        workspace,
        target,
        connect,
        BranchRequest(
            base=name,
            at=commit,
            names=asked.names,
            prune=asked.prune,
            max_removals=asked.max_removals,
            split=asked.split,
            conflicts=asked.on_conflict,
        ),
    )
    done = _Done()
    if asked.dry_run:
        for made in found.made:
            _say(run, done, made, "would be offered", None)
    else:
        place = place_of()
        with forge_calls(run, place) as calls:
            door = proposals_of(place, calls, name)
            prefix = f"{PREFIX}{target.project}"
            open_ones = [one for one in door.open(prefix) if _is_of(one.branch, prefix)]
            _offer(run, workspace, door, found, open_ones, (commit, target.place), done)
            if not asked.names:
                _close(run, workspace, door, found, open_ones, (commit, target.place), done)
    return _report(run, target, found, done)


def _is_of(branch: str, prefix: str) -> bool:
    """Tell whether a branch is this project's, and not that of one whose number begins alike."""
    return branch == prefix or branch.startswith(f"{prefix}--")


def _offer(
    run: Run,
    workspace: Workspace,
    door: Proposals,
    found: Composed,
    open_ones: Sequence[Proposal],
    at: tuple[str, str],
    done: _Done,
) -> None:
    from skillsync.forge.proposals import keep
    from skillsync.sync.pull_offer import Moved, offer, title_of

    for made in found.made:
        there = next((one for one in open_ones if one.branch == made.branch), None)
        offered = offer(workspace.repo, made, base=at[0], place=at[1])
        if offered.moved is Moved.PEOPLE:
            _tell_people(door, there, made, offered.tip)
            _say(run, done, made, "people", there)
            done.exits.append(4)
            continue
        action, proposal = keep(door, there, made.branch, title_of(made), _body(made))
        if action == "kept" and offered.moved is not Moved.KEPT:
            action = "updated"
        _say(run, done, made, action, proposal)


def _tell_people(door: Proposals, there: Proposal | None, made: Made, tip: str) -> None:
    """Say in one comment that there is more in the store: it is written anew only when there is more again."""
    from skillsync.forge.decide import Wanted
    from skillsync.forge.post import post
    from skillsync.review.render.escape import code

    if there is None:
        return
    plan = sha256(made.tip.encode()).hexdigest()
    names = ", ".join(code(one.name) for one in made.taken)
    body = (
        f"<!-- skillsync:review:1 key=pull plan={plan} head={tip} -->\nThe store has newer edits of {names}, and this "
        "branch has commits that are not skillsync's, so it was left alone. Merge or close this pull request; the next "
        "run then opens one with the rest."
    )
    post(door.conversation(there.number), Wanted(body, "pull", tip))


def _close(
    run: Run,
    workspace: Workspace,
    door: Proposals,
    found: Composed,
    open_ones: Sequence[Proposal],
    at: tuple[str, str],
    done: _Done,
) -> None:
    """Close what nothing is left of; only ours, and only where nobody else committed."""
    from skillsync.sync.pull_offer import is_left_alone, withdraw

    wanted = {made.branch for made in found.made}
    for one in open_ones:
        if one.branch in wanted or one.author.casefold() != door.me().casefold():
            continue
        if is_left_alone(workspace.repo, one.branch, base=at[0], place=at[1]):
            run.out.note(f"{visible(one.branch)} has people's commits and is left to them")
            continue
        door.conversation(one.number).create(
            "Nothing of it is left to take in: the branch it was for has everything that the store has.",
        )
        door.close(one.number)
        withdraw(workspace.repo, one.branch, base=at[0], place=at[1])
        run.out.data(f"{visible(one.branch)}: closed, nothing of it is left to take in")
        done.requests.append(
            {
                "branch": one.branch,
                "action": "closed",
                "number": one.number,
                "url": one.url,
                "takes": [],
            }
        )


def _body(made: Made) -> str:
    from skillsync.review.render.escape import code

    lines = [_INTRO, ""]
    for one in made.taken:
        numbers = [version.number for version in one.versions]
        span = (
            f"v{numbers[0]} to v{numbers[-1]}"
            if len(numbers) > 1
            else f"v{numbers[0]}"
            if numbers
            else "rows"
        )
        lines.append(f"- {code(one.name)}: {span}")
    return "\n".join([*lines, "", _FOOT])


def _say(run: Run, done: _Done, made: Made, action: str, there: Proposal | None) -> None:
    words = {
        "people": "has people's commits and newer edits are in the store: it was left alone",
        "kept": "is up to date",
    }.get(action, action)
    where = f" {there.url}" if there and there.url else ""
    run.out.data(f"{visible(made.branch)}: {words}{visible(where)}")
    takes: list[Json] = [
        {"kind": str(one.kind), "name": one.name, "versions": [version.number for version in one.versions]}
        for one in made.taken
    ]  # fmt: skip
    done.requests.append(
        {
            "branch": made.branch,
            "action": action,
            "number": there.number if there else None,
            "url": there.url if there else "",
            "takes": takes,
        }
    )


def _report(run: Run, target: Target, found: Composed, done: _Done) -> int:
    from skillsync.cli.report_view import print_outcomes

    print_outcomes(run.out, found.left)
    for note in found.notes:
        run.out.note(f"note: {visible(note)}")
    if not done.requests and not found.left:
        run.out.data("nothing to pull")
    code = exit_code([*(left.exit for left in found.left), *done.exits], done=len(done.requests))
    run.out.emit_json(
        SCHEMA,
        {
            "target": target.name,
            "exit": code,
            "requests": done.requests,
            "left": [left.as_json() for left in found.left],
            "notes": list(found.notes),
        },
    )
    return code
