"""One skill of a range: what changed, how it stands, what rules say, and the operations that come of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from skillsync.formats.skill_folder import SKILL_FILE
from skillsync.review.differ import diff
from skillsync.review.document import make_op
from skillsync.review.live import Sides
from skillsync.review.redact import Redactor
from skillsync.review.rules.execution import check_execution
from skillsync.review.rules.hidden import check_hidden, check_name
from skillsync.review.rules.lint import check_lint
from skillsync.review.rules.model import Hit, Subject, Text
from skillsync.review.rules.opaque import check_opaque
from skillsync.review.rules.permission import check_permissions
from skillsync.review.rules.roundtrip import check_round_trip
from skillsync.review.rules.secrets import check_secrets
from skillsync.review.rules.trigger import check_trigger, with_overlaps
from skillsync.review.sides import Side
from skillsync.review.skill_changes import Content, SkillParts, compare_skill, shown_path
from skillsync.review.trees import Trees
from skillsync.review.values import Kind, Op, SkillChange, Standing, Verb, Versions

MAX_TEXT = 3_000_000
"""Characters of one text that rules look at; a longer one is a finding, never silence."""

_DRIFT_RULES = {
    Standing.DRIFT: ("D-DRIFT", "the store moved past what this range was made from"),
    Standing.CONFLICT: ("D-CONFLICT", "the store and this range changed the same parts"),
    Standing.COLLISION: ("D-COLLISION", "the store has another object of this name"),
    Standing.UNSEEN: ("D-UNSEEN", "the store has edits that this removal would bury"),
    Standing.NO_BASE: (
        "D-NO-BASE",
        "nothing says which version of the store this tree has taken in",
    ),
}


@dataclass(frozen=True)
class SkillPair:
    """A skill on both sides. ``dir_before`` is where it lay, ``dir`` where it lies (or lay, when it went)."""

    dir: str
    dir_before: str
    before: Content
    after: Content

    @property
    def names(self) -> tuple[str, ...]:
        """The name on each side."""
        return tuple(dict.fromkeys(one.name for one in (self.before, self.after) if one.name))


@dataclass(frozen=True, slots=True)
class SkillWork:
    """What came of one pair: one change, or two where a renamed skill is an archive and a creation."""

    name: str
    changes: tuple[SkillChange, ...]
    ops: tuple[Op, ...]
    hits: tuple[Hit, ...]
    omitted_lines: int = 0


def pair_skills(trees: Trees) -> list[SkillPair]:
    """Pair folders; one that went and one that came with the same name are one skill that moved."""
    pairs = [
        SkillPair(one.dir, one.dir if one.before else "", Content(one.before), Content(one.after))
        for one in trees.skills
    ]
    gone = {one.before.name: one for one in pairs if one.after.folder is None}
    moved: list[SkillPair] = []
    for one in pairs:
        old = gone.get(one.after.name) if one.before.folder is None else None
        if old is not None and one.after.folder is not None:
            moved.append(SkillPair(one.dir, old.dir, old.before, one.after))
            del gone[one.after.name]
    taken = {one.dir for one in moved} | {one.dir_before for one in moved}
    return sorted(
        [*moved, *(one for one in pairs if one.dir not in taken)], key=lambda one: one.dir
    )


def review_skill(
    pair: SkillPair, trees: Trees, sides: Sides, redactor: Redactor, *, scan: bool
) -> SkillWork:
    """Review one skill."""
    texts = tuple(_texts(pair))
    for text in (*pair.before.texts.values(), *pair.after.texts.values()):
        redactor.learn(text)
    hits: list[Hit] = []
    if scan:
        hits += [hit for text in texts for hit in check_secrets(text, redactor)]
    parts = compare_skill(pair.before, pair.after, redactor.clean)
    name = pair.after.name or pair.before.name
    others = tuple(
        (folder, trees.names[folder], head) for folder, head in trees.descriptions.items()
    )
    subject = Subject(
        name, pair.dir, pair.before, pair.after, parts.permissions, parts.trigger, texts, others
    )
    trigger = (
        with_overlaps(parts.trigger, subject) if pair.after.folder is not None else parts.trigger
    )
    parts = replace(parts, trigger=trigger)
    subject = replace(subject, trigger=trigger)
    if pair.after.folder is not None:
        hits += _with_digests(_content_hits(subject), texts)
    twins = [folder for folder, other in trees.names.items() if other == name]
    is_double = pair.after.folder is not None and len(twins) > 1
    if is_double:
        places = ", ".join(sorted(twins))
        message = f"several folders hold a skill named {name}: {places}; none of them is published"
        hits.append(Hit("L-SKILL-DUPLICATE", subject.place(), None, places, message))
    changes, ops = _decide(pair, parts, sides, is_double=is_double)
    for change in changes:
        hits += _standing_hits(change, subject)
    return SkillWork(name, tuple(changes), tuple(ops), tuple(hits), parts.omitted_lines)


# ---------------------------------------------------------------- what rules look at


def _texts(pair: SkillPair) -> Iterator[Text]:
    """Return the texts of head that differ, with the lines that are new."""
    before = pair.before.texts
    gone = {text for path, text in before.items() if path not in pair.after.texts}
    for path, text in pair.after.texts.items():
        old = before.get(path)
        if old == text:
            continue
        place = f"{pair.dir}/{path}" if pair.dir else path
        if old is None:
            new = frozenset[int]() if text in gone else frozenset(range(1, text.count("\n") + 2))
        else:
            blocks = diff(old.split("\n"), text.split("\n"))
            new = frozenset(
                line for one in blocks if not one.same for line in range(one.a1 + 1, one.a2 + 1)
            )
        yield Text(shown_path(place), text, new)


def _content_hits(subject: Subject) -> Iterator[Hit]:
    yield from check_permissions(subject)
    yield from check_trigger(subject)
    yield from check_opaque(subject)
    yield from check_lint(subject, subject.texts)
    yield from check_round_trip(subject)
    for path in subject.after.entries:
        if path not in subject.before.entries:
            yield from check_name(shown_path(subject.place(path)), is_new=True)
    for text in subject.texts:
        if len(text.text) > MAX_TEXT:
            message = f"the file has {len(text.text):,} characters and was not looked at"
            yield Hit("O-GAVE-UP", text.path, None, message, message)
            continue
        yield from check_hidden(text)
        yield from check_execution(text, is_skill_md=text.path == subject.place(SKILL_FILE))


def _with_digests(hits: Iterator[Hit], texts: tuple[Text, ...]) -> Iterator[Hit]:
    by_path = {text.path: text for text in texts}
    for hit in hits:
        text = by_path.get(hit.path)
        yield replace(hit, digest=text.digest) if text is not None and not hit.digest else hit


# ---------------------------------------------------------------- operations


@dataclass
class _Parts:
    """What a change of a skill is built from."""

    pair: SkillPair
    parts: SkillParts
    sides: Sides
    ops: list[Op] = field(default_factory=list)

    def change(self, status: str, side: Side, name: str, *, whole: bool = True) -> SkillChange:
        pair, parts = self.pair, self.parts
        verified = self.sides.remote is not None
        base = side.base.version if side.base else None
        return SkillChange(
            name=name,
            status=status,
            dir=shown_path(pair.dir),
            dir_before=shown_path(pair.dir_before),
            name_before=pair.before.name,
            op=side.verb,
            standing=side.standing,
            versions=Versions(base, side.next, side.latest, verified, side.total),
            readable=pair.after.folder is None or pair.after.document is not None,
            frontmatter=parts.frontmatter if whole else (),
            permissions=parts.permissions,
            trigger=parts.trigger if whole else None,
            sections=parts.sections if whole else (),
            files=parts.files if whole else (),
            live=side.live,
            dropped=side.dropped,
        )


def _decide(
    pair: SkillPair, parts: SkillParts, sides: Sides, *, is_double: bool
) -> tuple[list[SkillChange], list[Op]]:
    built = _Parts(pair, parts, sides)
    before = pair.before if pair.before.folder is not None else None
    after = pair.after if pair.after.folder is not None else None
    name = pair.after.name or pair.before.name
    if is_double:
        side = Side(Standing.INVALID, Verb.NONE)
        return [built.change("changed" if before else "new", side, name)], [_op(name, side, after)]
    if before and after and before.name != after.name:
        return _renamed(built, before, after)
    side = sides.skill(name, before, after)
    if after is None:
        status = "archived"
    elif before is None:
        status = "new"
    elif pair.dir != pair.dir_before and before.digest == after.digest:
        status = "moved"
    else:
        status = "changed"
    return [built.change(status, side, name)], [_op(name, side, after)]


def _renamed(built: _Parts, before: Content, after: Content) -> tuple[list[SkillChange], list[Op]]:
    """A new name with the same content is a rename; with another it is an archive and a creation (review.md 2)."""
    old = built.sides.skill(before.name, before, None)
    if before.digest == after.digest and before.digest is not None and old.verb is not Verb.NONE:
        number = old.base.version + 1 if old.base and old.base.version else None
        side = replace(old, verb=Verb.RENAME, next=number)
        op = make_op(Kind.SKILL, after.name, Verb.RENAME, key=before.name, base=side.base,
                     target=after.digest or "", new_version=number, standing=side.standing)  # fmt: skip
        return [built.change("renamed", side, after.name)], [op]
    new = built.sides.under_new_name(after.name, after)
    changes = [
        built.change("archived", old, before.name, whole=False),
        built.change("new", new, after.name),
    ]
    return changes, [_op(before.name, old, None), _op(after.name, new, after)]


def _op(name: str, side: Side, after: Content | None) -> Op:
    target = after.digest if after and side.verb is not Verb.ARCHIVE else None
    return make_op(Kind.SKILL, name, side.verb, base=side.base, target=target or "",
                   new_version=side.next, standing=side.standing)  # fmt: skip


def _standing_hits(change: SkillChange, subject: Subject) -> Iterator[Hit]:
    path = subject.place()
    if change.standing in _DRIFT_RULES:
        rule, message = _DRIFT_RULES[change.standing]
        parts = change.live.both or change.live.only_live if change.live else ()
        evidence = ", ".join(parts[:5])
        matched = f"{change.name} {change.versions.live}"
        yield Hit(rule, path, None, matched, message, evidence, fix=f"skillsync pull {change.name}")
    for one in change.dropped:
        message = f"v{one.version} was taken in, but {one.lost} of its lines are missing and {one.kept} that it removed are still here ({one.unit})"
        yield Hit("D-DROPPED", path, None, f"{one.version} {one.unit}", message)


def drift_rule(standing: Standing) -> tuple[str, str] | None:
    """Return the rule for a standing in which a push is refused, with what it says."""
    return _DRIFT_RULES.get(standing)
