"""Decides what push and pull do with one skill, from what base, local and remote are (sync.md 7.1)."""

from __future__ import annotations

from dataclasses import replace

from skillsync.core.claims import Renamed
from skillsync.core.skill_states import (
    SKILL_TABLE,
    VERSION_LIMIT,
    VERSION_WARNING,
    Absence,
    BaseFact,
    LocalFact,
    PullStep,
    PushStep,
    RemoteFact,
    SkillFacts,
    SkillState,
    Verdict,
)

__all__ = [
    "Absence",
    "BaseFact",
    "LocalFact",
    "PullStep",
    "PushStep",
    "RemoteFact",
    "SkillFacts",
    "SkillState",
    "Verdict",
    "decide_skill",
    "needs_remote_content",
]


def needs_remote_content(facts: SkillFacts) -> bool:
    """Tell whether the latest version's content must be read before this skill can be decided exactly.

    Never when its version id is the base's: then it equals the base by identity, and reading it would only add
    what the server's defaults added. Without the content, ``decide_skill`` takes it as different from both sides.
    """
    remote, local = facts.remote, facts.local
    if facts.renamed is not None:
        return False
    if remote is None or remote.digest is not None or facts.absence is not Absence.PRESENT:
        return False
    if facts.is_latest_taken_in or _is_backwards(facts) or (local and local.digest is None):
        return False
    if facts.base is None or facts.base.first != remote.first:
        return local is not None
    return True


def decide_skill(facts: SkillFacts) -> Verdict:
    """Return the row of sync.md 7.1 that ``facts`` are in, and what push and pull do.

    Total and pure: anything not proven falls to the row that writes least.
    """
    verdict = _fill(SKILL_TABLE[_state(facts)], facts)
    if facts.absence is Absence.UNCONFIRMED or verdict.state is SkillState.UNREACHABLE:
        return _unreachable(verdict, facts)
    if verdict.push is PushStep.STOP_TARGET:
        return verdict
    if facts.local is not None and not (facts.local.valid and facts.local.digest):
        return _invalid(verdict, facts)
    if facts.renamed is not None:
        return _renamed(facts, facts.renamed)
    if verdict.state is SkillState.SAME_UNLINKED and facts.remote and facts.remote.own:
        verdict = replace(verdict, push=PushStep.MARK if facts.unmarked else PushStep.LINK)
    if facts.superseded and not _is_other_incarnation(facts):
        verdict = _superseded(verdict, facts)
    return _limited(verdict, facts)


def _state(facts: SkillFacts) -> SkillState:
    """Classify; local content that cannot be read counts as different from everything."""
    if facts.absence in {Absence.UNREACHABLE, Absence.UNCONFIRMED}:
        return SkillState.UNREACHABLE
    if facts.remote is None:
        return _state_without_remote(facts)
    if facts.base is None:
        return _state_without_base(facts)
    if _is_other_incarnation(facts):
        same = _same(facts.local, facts.remote)
        return SkillState.RECREATED_EQUAL if same else SkillState.RECREATED_DIFFERENT
    if _is_backwards(facts):
        return SkillState.BACKWARDS
    return _state_of_linked(facts.base, facts.local, facts.remote)


def _state_without_remote(facts: SkillFacts) -> SkillState:
    base, local = facts.base, facts.local
    if base is None:
        return SkillState.NOTHING if local is None else SkillState.LOCAL_ONLY
    if facts.absence is Absence.NEVER:
        # A listing alone never proves that something linked is gone (sync.md A9).
        return SkillState.UNREACHABLE
    if local is None:
        return SkillState.BOTH_GONE
    return SkillState.ARCHIVED if local.digest == base.digest else SkillState.EDITED_BUT_ARCHIVED


def _state_without_base(facts: SkillFacts) -> SkillState:
    if facts.local is None:
        return SkillState.REMOTE_ONLY
    same = _same(facts.local, facts.remote)
    return SkillState.SAME_UNLINKED if same else SkillState.UNRELATED


def _state_of_linked(base: BaseFact, local: LocalFact | None, remote: RemoteFact) -> SkillState:
    """Classify one incarnation that base and remote share."""
    if remote.id == base.id:
        if local is None:
            return SkillState.DELETED_LOCALLY
        return SkillState.IN_SYNC if local.digest == base.digest else SkillState.AHEAD
    if remote.digest == base.digest:
        return SkillState.NET_ZERO
    if local is None:
        return SkillState.DELETED_BUT_EDITED
    if local.digest == base.digest:
        return SkillState.BEHIND
    return SkillState.BOTH_EQUAL if _same(local, remote) else SkillState.DIVERGED


def _same(local: LocalFact | None, remote: RemoteFact | None) -> bool:
    """Tell whether both contents are known and equal."""
    return (
        local is not None
        and remote is not None
        and local.digest is not None
        and local.digest == remote.digest
    )


def _is_other_incarnation(facts: SkillFacts) -> bool:
    """Tell whether the remote skill was archived and created again since the base."""
    return bool(facts.base and facts.remote and facts.base.first != facts.remote.first)


def _is_backwards(facts: SkillFacts) -> bool:
    """Tell whether the remote contradicts the base within one incarnation (S24).

    Versions only grow and keep their ids: a smaller number, one number with two ids, one id with two numbers,
    or a live skill that does not know the base's id is another project or a restored backup.
    """
    base, remote = facts.base, facts.remote
    if base is None or remote is None or base.first != remote.first:
        return False
    if remote.number < base.number or (remote.number == base.number) != (remote.id == base.id):
        return True
    known = facts.known_ids
    return known is not None and remote.id != base.id and base.id not in known


def _fill(verdict: Verdict, facts: SkillFacts) -> Verdict:
    return replace(verdict, fix=verdict.fix.format(name=facts.name))


def _unreachable(verdict: Verdict, facts: SkillFacts) -> Verdict:
    """S25: an unconfirmed absence fails this skill alone, no answer stops the target."""
    if facts.absence is Absence.UNREACHABLE:
        return verdict
    return replace(
        verdict,
        push=PushStep.ERROR,
        pull=PullStep.ERROR,
        push_exit=1,
        pull_exit=1,
        code="E-ABSENCE-UNCONFIRMED",
        fix="skillsync status -v (does this key still see the skill?)",
    )


def _renamed(facts: SkillFacts, renamed: Renamed) -> Verdict:
    """S20–S22: the name comes first; what else changed is decided once the sides agree about it."""
    if renamed is Renamed.HERE and not facts.is_latest_taken_in:
        verdict = _fill(SKILL_TABLE[SkillState.RENAMED_BOTH], facts)
        return replace(verdict, row="S21", state=SkillState.RENAMED_HERE)
    state = {
        Renamed.THERE: SkillState.RENAMED_THERE,
        Renamed.HERE: SkillState.RENAMED_HERE,
        Renamed.BOTH: SkillState.RENAMED_BOTH,
    }[renamed]
    return _fill(SKILL_TABLE[state], facts)


def _invalid(verdict: Verdict, facts: SkillFacts) -> Verdict:
    """S26: push never sends it; pull goes on only if the content is known to equal the base."""
    invalid = _fill(SKILL_TABLE[SkillState.INVALID], facts)
    local, base = facts.local, facts.base
    if local and base and local.digest is not None and local.digest == base.digest:
        return replace(invalid, pull=verdict.pull, pull_exit=verdict.pull_exit)
    return invalid


def _superseded(verdict: Verdict, facts: SkillFacts) -> Verdict:
    """S12: a newer commit was published already, so this tree publishes, removes and creates nothing (B8)."""
    writes_nothing = {SkillState.IN_SYNC, SkillState.SAME_UNLINKED, SkillState.REMOTE_ONLY}
    would_come_back = {SkillState.LOCAL_ONLY, SkillState.EDITED_BUT_ARCHIVED}
    if verdict.state in writes_nothing:
        return verdict
    if facts.remote is None and verdict.state not in would_come_back:
        return verdict
    return replace(
        verdict,
        row="S12",
        state=SkillState.SUPERSEDED,
        push=PushStep.NOTHING,
        push_exit=0,
        code="N-SUPERSEDED",
        fix="",
    )


def _limited(verdict: Verdict, facts: SkillFacts) -> Verdict:
    """S27: near the version limit warn, at the limit do not publish."""
    if facts.remote is None or verdict.push is not PushStep.PUBLISH:
        return verdict
    if facts.remote.number >= VERSION_LIMIT:
        return replace(
            verdict,
            row="S27",
            state=SkillState.EXHAUSTED,
            push=PushStep.ERROR,
            push_exit=1,
            code="E-VERSIONS-EXHAUSTED",
            fix=f"archive {facts.name} and create it again: the server keeps {VERSION_LIMIT} versions",
        )
    if facts.remote.number >= VERSION_WARNING:
        return replace(verdict, warning="W-VERSIONS-EXHAUSTED")
    return verdict
