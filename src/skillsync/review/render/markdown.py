"""A review as Markdown for a comment: whole blocks under a budget, with exact counts of what is left out (review.md 5.6).

Assembled in tiers: verdict, decisions, overview, details by risk, samples of data. A block goes in whole or not at
all. No foreign text is in it but inside `<code>` with every punctuation mark an entity, or in a fence longer than any
run inside.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from skillsync.review.render.escape import code, entities, fenced, prose, visible
from skillsync.review.render.words import (
    Decision,
    by_subject,
    counted,
    decisions,
    headline,
    mark,
    open_findings,
    place,
    version_step,
    what_changes,
)
from skillsync.review.values import (
    DatasetChange,
    Finding,
    Hunk,
    Item,
    Level,
    Mode,
    Review,
    SkillChange,
    Trigger,
)

MAX_CHARS = 65_000
MAX_BYTES = 250_000
_MOST_ROWS = 200
_MOST_OF_A_KIND = (20, 10, 5, 2, 1)
"""Decisions of one kind that are written out: the first number with which they fit; the others are counted."""

_SAMPLE = 10
_MOST_LINES = 60
_KEY = re.compile(r"[A-Za-z0-9._-]{1,60}")


@dataclass(frozen=True, slots=True)
class Composed:
    """The text, and how many of each kind of thing it does not show."""

    text: str
    left_out: Mapping[str, int]


@dataclass
class _Budget:
    """What still fits. GitHub counts UTF-16 units."""

    chars: int
    bytes: int
    parts: list[str] = field(default_factory=list)

    def add(self, block: str, *, must: bool = False) -> bool:
        units = len(block.encode("utf-16-le")) // 2 + 2
        size = len(block.encode()) + 2
        if not must and (units > self.chars or size > self.bytes):
            return False
        self.chars -= units
        self.bytes -= size
        self.parts.append(block)
        return True


def render_markdown(
    review: Review,
    *,
    max_chars: int = MAX_CHARS,
    max_bytes: int = MAX_BYTES,
    key: str = "default",
    report_url: str = "",
) -> str:
    """Return the comment's text; ``key`` tells several comments of one pull request apart."""
    return compose(
        review, max_chars=max_chars, max_bytes=max_bytes, key=key, report_url=report_url
    ).text


def compose(
    review: Review,
    *,
    max_chars: int = MAX_CHARS,
    max_bytes: int = MAX_BYTES,
    key: str = "default",
    report_url: str = "",
) -> Composed:
    """Return the comment with the exact counts of what is not in it."""
    report_url = _url(report_url) if report_url else ""
    left_out: Counter[str] = Counter()
    header, footer = _header(review, key), _footer(review)
    reserve = 600 + len(report_url)
    budget = _Budget(
        max_chars - _units(header) - _units(footer) - reserve,
        max_bytes - len(header.encode()) - len(footer.encode()) - reserve,
    )
    _add_decisions(review, budget)
    for block, shown in _overview_blocks(review):
        if not budget.add(block):
            left_out.update(shown)
    for block, shown in _detail_blocks(review):
        if not budget.add(block):
            left_out.update(shown)
    for dataset in review.datasets:
        block, hidden = _sample(dataset)
        if block and not budget.add(block):
            hidden = Counter(items=len(dataset.items))
        left_out.update(hidden)
    left_out["items"] += review.omitted.items
    counts = {name: number for name, number in left_out.items() if number}
    parts = [header, *budget.parts, *_rest(counts, report_url), footer]
    return Composed("\n\n".join(part for part in parts if part) + "\n", counts)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2 + 2


# ---------------------------------------------------------------- header and footer


def marker(review: Review, key: str) -> str:
    """Return the line by which our own comment is found again: hexadecimal and a checked key, nothing foreign."""
    if not _KEY.fullmatch(key):
        raise ValueError("a comment's key has letters, digits, dots, - and _ only")
    plan = review.plan.plan_id.removeprefix("sha256:")
    return f"<!-- skillsync:review:1 key={key} plan={plan} head={review.range.head} -->"


def _header(review: Review, key: str) -> str:
    counts, needs = headline(review)
    title = f"### skillsync: {counts}" + (f" · {needs}" if needs else "")
    if review.is_empty and not review.findings:
        return f"{marker(review, key)}\n{title}"
    base, head = review.range.merge_base[:12], review.range.head[:12]
    where = code(review.project.place) or "no target"
    asked = "store read" if review.mode is Mode.ONLINE else "store not asked"
    drift = next((gate for gate in review.gates if gate.name == "drift"), None)
    refused = " As things stand the push would be refused." if drift and not drift.passed else ""
    line = f"**Merging changes {where}.**{refused} {asked} · base `{base}` → head `{head}`"
    return f"{marker(review, key)}\n{title}\n\n{line}"


def _footer(review: Review) -> str:
    plan = review.plan.plan_id.removeprefix("sha256:")[:12]
    offline = "" if review.mode is Mode.ONLINE else " (offline)"
    online = "all" if review.mode is Mode.ONLINE else "none"
    secrets = {"full": "all", "formats": "all but detect-secrets", "off": "all but secrets"}
    checks = (
        f"offline checks: {secrets.get(review.checks.secrets, 'some')} · online checks: {online}"
    )
    version = entities(visible(review.tool.version))
    cost = counted(review.cost.writes, "request")
    return (
        f"<sub>plan `{plan}`{offline} · publishing takes {cost} · skillsync {version} · {checks} · "
        "no finding is no approval</sub>"
    )


def _rest(left_out: Mapping[str, int], report_url: str) -> list[str]:
    if not left_out:
        return []
    names = {"skills": "skill", "datasets": "dataset", "sections": "section", "files": "file",
             "findings": "finding", "items": "item", "lines": "line"}  # fmt: skip
    said = ", ".join(
        counted(left_out[name], one) for name, one in names.items() if left_out.get(name)
    )
    where = "the full report" if not report_url else f"the [full report](<{report_url}>)"
    return [f"Not shown here: {said} – all in {where} and in review.json."]


def _url(url: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{1,2000}", url):
        raise ValueError("the report's address is none")
    return url


# ---------------------------------------------------------------- decisions


def _add_decisions(review: Review, budget: _Budget) -> None:
    """Add what needs a decision: never dropped, only grouped more tightly until it fits."""
    found = decisions(review)
    if not found:
        return
    fits = any(budget.add(_decisions(found, most)) for most in _MOST_OF_A_KIND[:-1])
    if not fits:
        budget.add(_decisions(found, _MOST_OF_A_KIND[-1]), must=True)


def _decisions(found: list[Decision], most: int) -> str:
    lines = ["#### Needs a decision"]
    number = 0
    for kind in dict.fromkeys(one.kind for one in found):
        group = [one for one in found if one.kind == kind]
        for one in group[:most]:
            number += 1
            lines.append(f"{number}. {_decision(one)}")
        if len(group) > most:
            number += 1
            more = counted(len(group) - most, "more of this kind", "more of this kind")
            lines.append(f"{number}. + {more} ({_KINDS[kind]}), listed in the report")
    return "\n".join(lines)


_KINDS = {
    "store": "the store moved",
    "permissions": "permissions",
    "archive": "archives",
    "finding": "findings",
}


def _decision(one: Decision) -> str:
    detail = f" – {code(one.detail)}" if one.detail else ""
    return f"**{code(one.subject, most=80)}**: {prose(one.message)}{detail}. {prose(one.action)}"


# ---------------------------------------------------------------- overview


def _overview_blocks(review: Review) -> Iterator[tuple[str, Counter[str]]]:
    findings = by_subject(review)
    if len(review.skills) > _MOST_ROWS:
        yield _rolled_up(review), Counter(skills=len(review.skills))
    elif review.skills:
        head = (
            "| | Skill | Store | What changes | Permissions | Findings |\n|---|---|---|---|---|---|"
        )
        yield from _tables(head, [_row(one, findings) for one in review.skills], "skills")
    if review.datasets:
        head = "| Dataset | Store | Added | Changed | Removed | Fields touched |\n|---|---|---|---|---|---|"
        yield from _tables(
            head, [_dataset_row(one, findings) for one in review.datasets], "datasets"
        )
    if review.moved:
        names = ", ".join(code(one.name, most=60) for one in review.moved[:10])
        more = f" and {len(review.moved) - 10} more" if len(review.moved) > 10 else ""
        yield f"Also moved in the store, not by this range: {names}{more}.", Counter()


def _tables(head: str, rows: list[str], kind: str) -> Iterator[tuple[str, Counter[str]]]:
    """Yield a table in pieces of fifty rows, so that one that is too long is not lost whole."""
    for start in range(0, len(rows), 50):
        part = rows[start : start + 50]
        yield "\n".join([head, *part]), Counter({kind: len(part)})


def _row(one: SkillChange, findings: Counter[str]) -> str:
    found = findings[visible(one.name)]
    sign = mark(one, found)
    cells = [
        f"{sign.sign} {sign.word}",
        code(one.name, most=70),
        version_step(one.versions, one),
        what_changes(one),
        _permissions(one),
        counted(found, "finding") if found else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _permissions(one: SkillChange) -> str:
    relation = one.permissions.relation
    if relation in {"none", "equal"}:
        return "–"
    if relation == "widened":
        grants = " ".join(code(f"+ {text}", most=60) for text in one.permissions.added[:3])
        more = (
            f" and {len(one.permissions.added) - 3} more" if len(one.permissions.added) > 3 else ""
        )
        return f"**widened** {grants}{more}".strip()
    shown = one.permissions.removed if relation == "narrowed" else one.permissions.after
    return f"{relation} " + " ".join(code(text, most=60) for text in shown[:3])


def _dataset_row(one: DatasetChange, findings: Counter[str]) -> str:
    fields = " · ".join(f"{code(each.field, most=60)} {each.count:,}" for each in one.fields[:5])
    more = f" and {len(one.fields) - 5} more" if len(one.fields) > 5 else ""
    sign = mark(one, findings[visible(one.name)])
    cells = [
        f"{sign.sign} {sign.word} {code(one.name, most=70)}",
        f"{version_step(one.versions, one)}, {one.standing.value}",
        f"{one.added + one.rekeyed:,}",
        f"{one.changed:,}",
        f"{one.removed + one.rekeyed:,}",
        (fields + more) or "–",
    ]
    return f"| {' | '.join(cells)} |"


def _rolled_up(review: Review) -> str:
    """Count by folder where there are too many rows to read."""
    found = by_subject(review)
    folders: dict[str, Counter[str]] = {}
    for one in review.skills:
        folder = posixpath.dirname(one.dir) or "."
        folders.setdefault(folder, Counter())[mark(one, found[visible(one.name)]).word] += 1
    rows = [
        f"| {code(folder, most=80)} | {', '.join(f'{number} {word}' for word, number in sorted(each.items()))} |"
        for folder, each in sorted(folders.items())[:_MOST_ROWS]
    ]
    rest = len(folders) - _MOST_ROWS
    if rest > 0:
        rows.append(f"| {counted(rest, 'more folder')} | |")
    title = f"{len(review.skills):,} skills change; by folder:"
    return "\n".join([title, "", "| Folder | Skills |", "|---|---|", *rows])


# ---------------------------------------------------------------- details


def _detail_blocks(review: Review) -> Iterator[tuple[str, Counter[str]]]:
    """Yield the details of each skill, those with most to decide first."""
    by_skill: dict[str, list[Finding]] = {}
    for finding in open_findings(review):
        if finding.level is not Level.NOTE:
            by_skill.setdefault(finding.subject, []).append(finding)
    names = {visible(one.name) for one in review.skills}
    names |= {visible(one.name) for one in review.datasets}

    def risk(one: SkillChange) -> tuple[int, int, str]:
        found = by_skill.get(visible(one.name), [])
        errors = sum(each.level is Level.ERROR for each in found)
        return -errors, -len(found), one.name

    other = [one for name, found in by_skill.items() if name not in names for one in found]
    if other:
        yield (
            _details("<b>Not about one object</b>", [_findings(other)]),
            Counter(findings=len(other)),
        )
    for dataset in review.datasets:
        found = by_skill.get(visible(dataset.name), [])
        if found:
            title = f"<b>{code(dataset.name, most=70)}</b> · findings"
            yield _details(title, [_findings(found)]), Counter(findings=len(found))
    for one in sorted(review.skills, key=risk):
        found = by_skill.get(visible(one.name), [])
        parts = [*_skill_parts(one), _findings(found)]
        if any(parts):
            title = f"<b>{code(one.name, most=70)}</b> · {version_step(one.versions, one)} · {what_changes(one)}"
            shown = Counter(
                sections=len(one.sections), files=len(one.files), findings=len(found), skills=1
            )
            yield _details(title, parts), shown


def _details(title: str, parts: Iterable[str]) -> str:
    inner = "\n\n".join(part for part in parts if part)
    return f"<details><summary>{title}</summary>\n\n{inner}\n\n</details>"


def _skill_parts(one: SkillChange) -> Iterator[str]:
    if one.trigger is not None:
        yield _trigger(one.trigger)
    fields = [each for each in one.frontmatter if each.key != "allowed-tools"]
    if fields:
        lines = [
            f"- {code(each.key, most=80)} {each.status}"
            + (" · carried, not applied by the store" if each.carried else "")
            + (f": {code(each.before or '–', most=120)} → {code(each.after or '–', most=120)}")
            for each in fields[:20]
        ]
        yield "\n".join(lines)
    for section in one.sections[:15]:
        path = " › ".join(section.path) or "(before the first heading)"
        yield (
            f"Section {code(path, most=120)} {section.status} · +{section.added:,} −{section.removed:,}"
            + _block(section.hunks)
        )
    if len(one.sections) > 15:
        yield f"and {counted(len(one.sections) - 15, 'more section')}"
    if one.files:
        yield "\n".join(_file_lines(one))


def _file_lines(one: SkillChange) -> Iterator[str]:
    for file in one.files[:20]:
        mode = " · executable" if file.mode_after == "100755" else ""
        sent = "" if file.sent else f" · {file.kind}, not published"
        origin = f" from {code(file.renamed_from)}" if file.renamed_from else ""
        size = f", {file.size_after:,} bytes" if file.size_after is not None else ""
        yield f"- {code(file.path)} {file.status}{origin} · +{file.added:,} −{file.removed:,}{size}{mode}{sent}"
    if len(one.files) > 20:
        yield f"- and {counted(len(one.files) - 20, 'more file')}"


def _trigger(trigger: Trigger) -> str:
    before = "".join(one.text for one in trigger.words if one.op != "+")
    after = "".join(one.text for one in trigger.words if one.op != "-")
    lines = [f"{sign} {visible(text)}" for sign, text in (("-", before), ("+", after)) if text]
    length = f"{trigger.length_before:,} → {trigger.length_after:,} characters"
    near = "".join(
        f" · shares {one.percent} % of its words with {code(one.name)}" for one in trigger.overlaps
    )
    return f"Description (when it loads), {length}{near}\n\n" + fenced("\n".join(lines))


def _block(hunks: tuple[Hunk, ...]) -> str:
    """Return the lines of a section's hunks as a fence, the first sixty."""
    lines = [
        f"{'+' if line.op == '+' else '-' if line.op == '-' else ' '} {line.text[:400]}"
        for hunk in hunks
        for line in hunk.lines
    ]
    if not lines:
        return ""
    more = len(lines) - _MOST_LINES + sum(hunk.more for hunk in hunks)
    shown = [visible(line) for line in lines[:_MOST_LINES]]
    rest = f"\n\nand {counted(more, 'more line')}" if more > 0 else ""
    return "\n\n" + fenced("\n".join(shown)) + rest


def _findings(found: list[Finding]) -> str:
    lines = [
        f"- {one.level.value} {code(one.rule, most=80)} {code(place(one), most=160)}: {prose(one.message)}"
        + (
            f" ({code(one.evidence, most=160)})"
            if one.evidence and one.evidence not in one.message
            else ""
        )
        + ("" if one.status == "new" else " · was there before")
        for one in found[:25]
    ]
    if len(found) > 25:
        lines.append(f"- and {counted(len(found) - 25, 'more finding')}")
    return "\n".join(lines)


# ---------------------------------------------------------------- samples of data


def _sample(one: DatasetChange) -> tuple[str, Counter[str]]:
    shown = [item for item in one.items if item.fields or item.status != "changed"][:_SAMPLE]
    hidden = Counter(items=len(one.items) - len(shown))
    if not shown:
        return "", hidden
    rows = [row for item in shown for row in _item_rows(item)]
    head = "| Item | Change | Field | Before → after |\n|---|---|---|---|"
    title = f"<b>{code(one.name, most=70)}</b> · {counted(len(one.items), 'item')}, first {len(shown)} shown"
    return _details(title, ["\n".join([head, *rows])]), hidden


def _item_rows(item: Item) -> Iterator[str]:
    key, status = code(item.key, most=80), item.status
    if item.key_before:
        status += f" from {code(item.key_before, most=80)}"
    if not item.fields:
        yield f"| {key} | {status} | – | – |"
    for each in item.fields[:5]:
        values = (
            f"{code(each.before or '–', most=120)} → {code(each.after or '–', most=120)}"
            if each.shown
            else "not shown"
        )
        yield f"| {key} | {status} | {code(each.field, most=60)} | {values} |"
    if len(item.fields) > 5:
        yield f"| {key} | {status} | and {counted(len(item.fields) - 5, 'more field')} | |"
