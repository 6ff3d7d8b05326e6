"""The words that every rendering shares: verdict, counts, how an object stands, which decisions are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from skillsync.review.values import (
    MOVED,
    DatasetChange,
    Finding,
    Kind,
    Level,
    Mode,
    Review,
    SkillChange,
    Standing,
    Verb,
    Versions,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign and the word that says the same: colour and signs never stand alone."""

    sign: str
    word: str


def mark(change: SkillChange | DatasetChange, findings: int) -> Mark:
    """Return the mark of an object's row; ``findings`` are those of it that count."""
    if change.standing in MOVED:
        return Mark("⛔", "refused")
    if change.standing is Standing.INVALID or not change.readable:
        return Mark("⛔", "invalid")
    if change.op is Verb.ARCHIVE:
        return Mark("🗑️", "archive")
    if change.op is Verb.NONE:
        return Mark("➖", "nothing")
    if findings:
        return Mark("⚠️", "look")
    return Mark("🆕", "new") if change.op is Verb.CREATE else Mark("✅", change.op.value)


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``3 skills``, ``1 skill``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def counts(review: Review) -> str:
    """Return what merging does to the store in one line: ``2 new versions, 1 new skill, 1 archive``."""
    done: Counter[tuple[Kind, Verb]] = Counter(
        (op.kind, op.op) for op in review.plan.ops if op.standing not in MOVED
    )
    skill, dataset, row = Kind.SKILL, Kind.DATASET, Kind.ROW
    archives = done[skill, Verb.ARCHIVE] + done[dataset, Verb.ARCHIVE]
    rows = sum(done[row, verb] for verb in Verb if verb is not Verb.NONE)
    parts = [
        (done[skill, Verb.UPDATE], "new version", ""),
        (done[skill, Verb.CREATE], "new skill", ""),
        (done[skill, Verb.RENAME], "rename", ""),
        (archives, "archive", ""),
        (done[dataset, Verb.CREATE], "new dataset", ""),
        (rows, "dataset item", ""),
        (
            sum(op.standing is Standing.CONFLICT for op in review.plan.ops if op.kind is not row),
            "conflict",
            "",
        ),
        (
            sum(
                op.standing in MOVED - {Standing.CONFLICT}
                for op in review.plan.ops
                if op.kind is not row
            ),
            "refused by the store",
            "refused by the store",
        ),
    ]
    said = [counted(number, one, many) for number, one, many in parts if number]
    return ", ".join(said) or "nothing is published"


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that somebody has to decide: ``kind`` groups, ``subject`` is foreign text, the rest is ours."""

    kind: str
    subject: str
    message: str
    detail: str
    action: str


def decisions(review: Review) -> list[Decision]:
    """Return what needs somebody, the worst first: the store, permissions, archives, then findings."""
    return [
        *_moved(review),
        *_permissions(review),
        *_archives(review),
        *_findings(review),
    ]


def _moved(review: Review) -> Iterator[Decision]:
    if review.settings.drift == "ignore":
        return
    why = {
        Standing.DRIFT: "moved in the store, in other parts: a push would be refused, a merge is possible",
        Standing.CONFLICT: "was changed in the store in the same parts: a push would be refused",
        Standing.COLLISION: "would meet another object of this name in the store, never linked",
        Standing.UNSEEN: "would be archived with edits that nobody here has seen",
        Standing.NO_BASE: "cannot be published: nothing says which version was taken in",
    }
    changes: list[SkillChange | DatasetChange] = [*review.skills, *review.datasets]
    for change in changes:
        if change.standing in MOVED:
            live = change.live
            parts = ", ".join((*live.both, *live.only_live)[:4]) if live else ""
            number = (
                f"the store is at v{live.version}, by {live.by}" if live and live.version else ""
            )
            action = "skillsync pull takes the edit in" if live else "skillsync status says more"
            detail = " · ".join(part for part in (number, parts) if part)
            yield Decision("store", change.name, why[change.standing], detail, action)
    for finding in review.findings:
        if finding.rule == "D-STALE":
            yield Decision("store", finding.subject, finding.message, "", finding.fix)


def _permissions(review: Review) -> Iterator[Decision]:
    if is_given(review, "permissions") is not False:
        return
    by_skill: dict[str, list[Finding]] = {}
    for one in open_findings(review):
        if one.rule.startswith("P-") and one.level is Level.ERROR and one.status == "new":
            by_skill.setdefault(one.subject, []).append(one)
    for subject, found in by_skill.items():
        messages = "; ".join(dict.fromkeys(one.message for one in found))
        action = "the label skillsync:permissions-ok accepts it"
        detail = ", ".join(dict.fromkeys(one.rule for one in found))
        yield Decision("permissions", subject, messages, detail, action)


def _archives(review: Review) -> Iterator[Decision]:
    if is_given(review, "archive") is not False:
        return
    gate = next(one for one in review.gates if one.name == "archive")
    totals = {one.name: one.versions.total for one in review.skills if one.op is Verb.ARCHIVE}
    gone = {one.name for one in review.datasets if one.op is Verb.ARCHIVE}
    for name in gate.subjects:
        total = totals.get(name)
        action = "the label skillsync:archive-ok accepts it"
        if name in totals or name in gone:
            what = (
                f"all {total} versions and its owners go" if total else "its history goes with it"
            )
            yield Decision("archive", name, "would be archived", what, action)
        else:
            yield Decision("archive", name, "would lose many of its items", "", action)


def _findings(review: Review) -> Iterator[Decision]:
    threshold = review.settings.fail_on
    levels = {Level.ERROR} if threshold == "error" else {Level.ERROR, Level.WARNING}
    if threshold == "never":
        return
    for one in open_findings(review):
        is_other = one.tool or not one.rule.startswith(("P-", "D-"))
        counts_too = one.status == "new" or one.rule.startswith("L-")
        if one.level in levels and is_other and counts_too:
            yield Decision("finding", one.subject or one.path, one.message, place(one), one.rule)


def is_given(review: Review, name: str) -> bool | None:
    """Tell whether a gate is settled; None when nothing asks for it."""
    gate = next((one for one in review.gates if one.name == name), None)
    return gate.given if gate is not None and gate.needed else None


def open_findings(review: Review) -> list[Finding]:
    """Return the findings that nobody accepted."""
    return [one for one in review.findings if one.accepted is None]


def place(finding: Finding) -> str:
    """Return ``path:line`` as far as known."""
    return f"{finding.path}:{finding.line}" if finding.line else finding.path


def version_step(versions: Versions, change: SkillChange | DatasetChange) -> str:
    """Return ``v7 → v8``, ``v7, the store is at v8``, ``– → v1``; unverified where nobody asked the store."""
    base = f"v{versions.base}" if versions.base is not None else "–"
    if isinstance(change, DatasetChange):
        base = f"r{versions.base}" if versions.base is not None else "–"
    if change.op is Verb.ARCHIVE:
        total = f", all {versions.total} versions" if versions.total else ""
        return f"{base} → archived{total}"
    if change.standing in MOVED and versions.live is not None and versions.live != versions.base:
        return f"{base} · the store is at v{versions.live}"
    if change.op is Verb.NONE:
        return base
    if isinstance(change, DatasetChange):
        return base if change.op is Verb.UPDATE else "– → new"
    step = f"{base} → v{versions.next}" if versions.next is not None else f"{base} → next"
    return step if versions.verified else f"{step}, unverified"


def what_changes(change: SkillChange) -> str:
    """Return a few words of ours: ``description, 2 sections, 1 file``."""
    parts = []
    if change.status == "renamed":
        parts.append("name")
    if change.trigger is not None and any(one.op != "=" for one in change.trigger.words):
        parts.append("description")
    keys = [one for one in change.frontmatter if one.key != "allowed-tools"]
    if keys:
        parts.append(counted(len(keys), "field"))
    if change.sections:
        parts.append(counted(len(change.sections), "section"))
    if change.files:
        parts.append(counted(len(change.files), "file"))
    if change.status == "moved":
        parts.append("folder only")
    return ", ".join(parts) or ("–" if change.status != "changed" else "nothing that is published")


def headline(review: Review) -> tuple[str, str]:
    """Return the counts, and how many things need somebody."""
    if review.is_empty and not review.findings:
        return "nothing here is published", ""
    found = len(decisions(review))
    failed = [gate.name for gate in review.gates if not gate.passed]
    if found:
        thing = "thing needs" if found == 1 else "things need"
        return counts(review), f"❌ {found:,} {thing} you"
    if failed:
        return counts(review), f"❌ not passed: {', '.join(failed)}"
    return counts(review), "✅ nothing needs you"


def intro(review: Review) -> str:
    """Return what merging is about: the place, and whether the store was asked."""
    where = review.project.place or "no target"
    asked = (
        "the store was asked" if review.mode is Mode.ONLINE else "offline: the store was not asked"
    )
    return f"{where} · {asked}"


def by_subject(review: Review) -> Counter[str]:
    """Count the errors and warnings of each object that nobody accepted."""
    return Counter(
        one.subject
        for one in open_findings(review)
        if one.level is not Level.NOTE and one.status == "new"
    )
