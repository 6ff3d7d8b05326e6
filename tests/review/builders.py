"""Reviews made by hand, for tests of what reads and renders them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skillsync.review.document import make_op, make_plan
from skillsync.review.values import (
    Accepted,
    Checks,
    Cost,
    DatasetChange,
    Dropped,
    FieldChange,
    FieldCount,
    FileChange,
    Finding,
    Gate,
    Hunk,
    Item,
    ItemField,
    Kind,
    Level,
    Line,
    Live,
    Mode,
    Moved,
    Omitted,
    OpBase,
    Overlap,
    Permissions,
    Project,
    Range,
    Review,
    Section,
    Settings,
    SkillChange,
    Standing,
    Tool,
    Trigger,
    Verb,
    Versions,
    Words,
)

PLACE = "us.posthog.com/1234"
NO_PERMISSIONS = Permissions("none", (), (), (), (), ())


def a_hunk(text: str = "a line") -> Hunk:
    return Hunk((Line("=", "before", 1, 1), Line("-", "old", 2, None), Line("+", text, None, 2)), 0)


def a_skill(name: str = "deploy-runbook", **changes: Any) -> SkillChange:
    """An updated skill in which every part differs; ``text`` of hostile tests goes in by ``changes``."""
    skill = SkillChange(
        name=name,
        status="changed",
        dir=f"skills/{name}",
        dir_before=f"skills/{name}",
        name_before=name,
        op=Verb.UPDATE,
        standing=Standing.CURRENT,
        versions=Versions(3, 4, 3, verified=True, total=3),
        readable=True,
        frontmatter=(
            FieldChange("license", "changed", "MIT", "Apache-2.0"),
            FieldChange("hooks", "new", None, "{}", carried=True, behavioural=True),
        ),
        permissions=Permissions(
            "widened", ("Read",), ("Read", "Bash(kubectl:*)"), ("Bash(kubectl:*)",), (), ("more",)
        ),
        trigger=Trigger(
            name,
            name,
            (Words("=", "Use when "), Words("-", "asked."), Words("+", "anything happens.")),
            14,
            25,
            (Overlap("triage-inbox", 71),),
        ),
        sections=(Section(("Rollback", "Steps"), "changed", 12, 6, 2, (a_hunk(),)),),
        files=(
            FileChange(
                "scripts/rollout.sh", "added", "text", None, 412, "", "100755", True, "", 41, 0,
                (a_hunk(),),
            ),
        ),
        live=None,
        dropped=(),
    )  # fmt: skip
    return replace(skill, **changes)


def a_dataset(name: str = "refund-evals", **changes: Any) -> DatasetChange:
    dataset = DatasetChange(
        name=name,
        status="changed",
        dir=f"datasets/{name}",
        dir_before=f"datasets/{name}",
        op=Verb.UPDATE,
        standing=Standing.CURRENT,
        versions=Versions(41, 42, 41, verified=True, total=None),
        readable=True,
        info=(),
        added=1,
        changed=1,
        removed=0,
        rekeyed=0,
        unchanged=3,
        keyless=0,
        fields=(FieldCount("expected_output.answer", 1),),
        items=(
            Item("rf-1", "added", 5, "", (), Standing.CURRENT),
            Item(
                "rf-0192", "changed", 2, "",
                (ItemField("expected_output.answer", '"14 days"', '"30 days"', True),),
                Standing.CURRENT,
            ),
        ),
        live=None,
    )  # fmt: skip
    return replace(dataset, **changes)


def a_finding(rule: str = "P-WIDENED", **changes: Any) -> Finding:
    finding = Finding(
        rule, Level.ERROR, "deploy-runbook", "skills/deploy-runbook/SKILL.md", 4, "new",
        "pre-approves more", "Bash(kubectl:*)", "label it", "sha256:" + "0" * 64, "", None,
    )  # fmt: skip
    return replace(finding, **changes)


def a_review(**changes: Any) -> Review:
    """A review with one of everything."""
    ops = (
        make_op(
            Kind.SKILL, "deploy-runbook", Verb.UPDATE, base=OpBase(3, "id-3", "canon:1:sha256:aa"),
            target="canon:1:sha256:bb", new_version=4, standing=Standing.CURRENT,
        ),
        make_op(Kind.ROW, "refund-evals", Verb.CREATE, key="rf-1", target="x",
                standing=Standing.CURRENT),
    )  # fmt: skip
    review = Review(
        tool=Tool("skillsync", "0.1.0", "canon:1"),
        range=Range("a" * 40, "b" * 40, "a" * 40, "a" * 40),
        mode=Mode.ONLINE,
        project=Project("prod", PLACE),
        settings=Settings("error", "fail", ("permissions", "archive"), (), "repo"),
        checks=Checks("formats", ()),
        plan=make_plan(Mode.ONLINE, PLACE, ops),
        cost=Cost(3, 2),
        skills=(
            a_skill(),
            a_skill(
                "refund-policy",
                standing=Standing.CONFLICT,
                permissions=NO_PERMISSIONS,
                live=Live(8, "a project member", "2026-01-01T00:00:00Z", ("Limits",), ()),
                dropped=(Dropped(7, "a project member", "2026-01-01", "body", 2, 1, ()),),
            ),
        ),
        datasets=(a_dataset(),),
        moved=(Moved(Kind.SKILL, "elsewhere", 2, 3),),
        findings=(
            a_finding(),
            a_finding("X-PIPE", accepted=Accepted("baseline", "me", "known", "2027-01-01")),
        ),
        gates=(
            Gate("findings", True, True, "", ()),
            Gate("drift", True, False, "", ("refund-policy",)),
            Gate("permissions", True, False, "", ("deploy-runbook",)),
        ),
        omitted=Omitted(),
    )
    return replace(review, **changes)
