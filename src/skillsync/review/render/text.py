"""A review for a terminal: plain lines, everything foreign made visible."""

from __future__ import annotations

from collections.abc import Iterator

from skillsync.review.render.escape import visible
from skillsync.review.render.words import (
    by_subject,
    counted,
    decisions,
    headline,
    intro,
    mark,
    place,
    version_step,
    what_changes,
)
from skillsync.review.values import DatasetChange, Level, Review, SkillChange

_MOST_ITEMS = 20


def render_text(review: Review) -> str:
    """Return the review as lines."""
    return "\n".join(_lines(review)) + "\n"


def _lines(review: Review) -> Iterator[str]:
    counts, needs = headline(review)
    yield counts + (f" · {needs}" if needs else "")
    yield visible(intro(review))
    yield f"{review.range.merge_base[:12]} → {review.range.head[:12]}"
    found = by_subject(review)
    for skill in review.skills:
        yield from _skill(skill, found[visible(skill.name)])
    for dataset in review.datasets:
        yield from _dataset(dataset, found[visible(dataset.name)])
    for moved in review.moved:
        yield f"also moved in the store, not by this range: {visible(moved.name)} v{moved.base} → v{moved.live}"
    shown = [one for one in review.findings if one.level is not Level.NOTE or one.accepted is None]
    if shown:
        yield ""
    for one in shown:
        accepted = f" (accepted: {one.accepted.by})" if one.accepted else ""
        before = "" if one.status == "new" else " (was there before)"
        where = visible(place(one)) or "-"
        yield f"{one.level.value}: {where}: {visible(one.message)}  [{visible(one.rule)}]{before}{accepted}"
        if one.evidence and one.evidence not in one.message:
            yield f"    {visible(one.evidence)}"
    open_ones = decisions(review)
    if open_ones:
        yield ""
        yield "needs a decision:"
    for decision in open_ones:
        yield f"  {visible(decision.subject)}: {visible(decision.message)} ({visible(decision.action)})"
    for gate in review.gates:
        if gate.needed:
            yield f"gate {gate.name}: {'passed, ' + gate.by if gate.given else 'not passed'}"
    yield f"plan {review.plan.plan_id[:19]} ({review.mode.value}); publishing takes {counted(review.cost.writes, 'request')}"


def _skill(one: SkillChange, findings: int) -> Iterator[str]:
    sign = mark(one, findings)
    yield ""
    yield f"{sign.word}: {visible(one.name)}  {version_step(one.versions, one)}  ({what_changes(one)}; {one.standing.value})"
    if one.permissions.relation not in {"none", "equal"}:
        added = " ".join(
            f"+{visible(text)}" for text in one.permissions.added or one.permissions.after
        )
        removed = " ".join(f"-{visible(text)}" for text in one.permissions.removed)
        yield f"    permissions {one.permissions.relation}: {added} {removed}".rstrip()
    if one.trigger is not None and one.trigger.words:
        marks = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
        words = "".join(marks[run.op].format(visible(run.text)) for run in one.trigger.words)
        yield f"    description: {words}"
    for field in one.frontmatter:
        yield f"    {visible(field.key)} {field.status}" + (
            " (carried, not applied by the store)" if field.carried else ""
        )
    for section in one.sections:
        path = visible(" › ".join(section.path)) or "(before the first heading)"
        yield f"    section {path} {section.status} +{section.added} -{section.removed}"
    for file in one.files:
        yield f"    {visible(file.path)} {file.status} +{file.added} -{file.removed} ({file.kind}{', executable' if file.mode_after == '100755' else ''})"


def _dataset(one: DatasetChange, findings: int) -> Iterator[str]:
    yield ""
    yield (
        f"{mark(one, findings).word}: dataset {visible(one.name)}  {version_step(one.versions, one)}  "
        f"(+{one.added} ~{one.changed} -{one.removed}, {one.rekeyed} with another key; {one.standing.value})"
    )
    for field in one.fields:
        yield f"    {visible(field.field)} in {counted(field.count, 'item')}"
    for item in one.items[:_MOST_ITEMS]:
        yield f"    {item.status} {visible(item.key)}"
        for each in item.fields[:5]:
            values = (
                f": {visible(each.before or '–')} → {visible(each.after or '–')}"
                if each.shown
                else ""
            )
            yield f"        {visible(each.field)}{values}"
    if len(one.items) > _MOST_ITEMS:
        yield f"    and {counted(len(one.items) - _MOST_ITEMS, 'more item')}"
