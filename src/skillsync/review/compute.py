"""Makes a review: two commits, the rules of the base, and with a connection the store; reads only (review.md 5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from skillsync import __version__
from skillsync.config import ReviewOptions, Settings, Target, parse_settings
from skillsync.config_schema import SETTINGS_FILE
from skillsync.errors import UsageError
from skillsync.formats.row_lines import collector_paused
from skillsync.model import Folder
from skillsync.repo.git import Repository
from skillsync.review.baseline import FILE, accept, parse_baseline
from skillsync.review.datasets import DatasetWork, pair_datasets, review_dataset
from skillsync.review.document import make_plan
from skillsync.review.findings import Policy, make_findings
from skillsync.review.gates import acknowledged, make_gates
from skillsync.review.live import Sides
from skillsync.review.ranges import Commits
from skillsync.review.redact import Redactor, open_redactor
from skillsync.review.rules.guard import check_guarded, check_pointer
from skillsync.review.rules.model import Hit
from skillsync.review.sarif_in import read_sarif
from skillsync.review.skills import SkillPair, SkillWork, pair_skills, review_skill
from skillsync.review.trees import Trees, read_trees
from skillsync.review.values import (
    Checks,
    Cost,
    Kind,
    Mode,
    Omitted,
    Op,
    Project,
    Range,
    Review,
    Standing,
    Tool,
    Verb,
)
from skillsync.review.values import Settings as Rules
from skillsync.sync.workspace import Connect, Remote, Workspace

NO_TARGET = Target("", "https://nowhere.invalid", 0)
"""Stands for the target where the base configures none."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a review was asked for. Options that are None are the policy's.

    ``policy`` is the commit that settings, policy and baseline are read from. ``sarif`` are other scanners' files
    with their names. ``today`` decides which accepted findings have expired. ``scan`` False: no secrets scan.
    ``is_foreign``: somebody without write access made the range, so that the store is asked about nothing but what the
    base has, by the base's own pointers (review.md 6).
    """

    commits: Commits
    policy: str
    today: date
    paths: tuple[str, ...] = ()
    fail_on: str | None = None
    drift: str | None = None
    require_ack: tuple[str, ...] | None = None
    acks: tuple[str, ...] = ()
    show_values: str | None = None
    sarif: tuple[tuple[str, bytes], ...] = ()
    scan: bool = True
    is_foreign: bool = False


def policy_at(repo: Repository, commit: str, root: Path) -> tuple[Settings, bool]:
    """Return the settings that a commit has, and whether it has any. Raises SettingsInvalid."""
    data = repo.show(commit, SETTINGS_FILE)
    if data is None:
        return Settings(root=root, path=root / SETTINGS_FILE), False
    return parse_settings(data, root=root), True


def compute(
    repo: Repository,
    settings: Settings,
    target: Target,
    request: Request,
    *,
    connect: Connect | None,
    has_policy: bool = True,
) -> Review:
    """Return the review of a range; ``connect`` None is offline.

    Raises ConfigError for a baseline that cannot be read, RemoteError when the store cannot be asked,
    MissingExtra without markdown-it-py.
    """
    rules = _rules(settings.review, request)
    commits = request.commits
    trees = read_trees(
        repo,
        settings,
        before=commits.merge_base,
        after=commits.head,
        base=commits.base,
        only=request.paths,
    )
    redactor, secrets = open_redactor(scan=request.scan)
    work = _Work(repo, settings, target, request, rules, trees, redactor, has_policy)
    with collector_paused():  # hundreds of thousands of values, and no cycle among them
        if connect is None:
            return work.review(None, secrets)
        with connect(target) as remote:
            return work.review(remote, secrets)


def _rules(policy: ReviewOptions, request: Request) -> Rules:
    required = policy.require_ack if request.require_ack is None else request.require_ack
    return Rules(
        request.fail_on or policy.fail_on,
        request.drift or policy.drift,
        tuple(sorted(set(required))),
        tuple(sorted(set(request.acks))),
        request.show_values or policy.show_values,
    )


@dataclass
class _Work:
    repo: Repository
    settings: Settings
    target: Target
    request: Request
    rules: Rules
    trees: Trees
    redactor: Redactor
    has_policy: bool

    def review(self, remote: Remote | None, secrets: str) -> Review:
        skills = pair_skills(self.trees)
        workspace = Workspace(
            self.repo, self.settings, self.repo.root, at=self.request.commits.head
        )
        sides = Sides(
            workspace,
            self.target,
            remote,
            skill_names=frozenset(name for one in skills for name in one.names),
            skill_dirs=frozenset(one.dir for one in skills if one.after.folder is not None),
            dataset_dirs=frozenset(pair.dir for pair in self.trees.datasets),
            readings={one.dir: one.after.reading for one in skills if one.after.reading},
            show_all=self.rules.show_values == "all",
            clean=self.redactor.clean,
            may_ask=self._known(skills) if self.request.is_foreign else None,
        )
        done = [
            review_skill(one, self.trees, sides, self.redactor, scan=self.request.scan)
            for one in skills
        ]
        rows = [
            review_dataset(
                pair,
                self.settings,
                sides,
                self.redactor,
                show_values=self.rules.show_values,
                scan=self.request.scan,
            )
            for pair in pair_datasets(self.trees.datasets)
        ]
        ops = [op for skill in done for op in skill.ops]
        ops += [op for dataset in rows for op in dataset.ops]
        mode = Mode.OFFLINE if remote is None else Mode.ONLINE
        place = self.target.place if self.target is not NO_TARGET else ""
        findings = make_findings(
            self._hits(done, rows, secrets),
            Policy(self.settings.review.ignore, self.settings.review.levels, self.rules.drift),
            self.redactor.clean,
        )
        entries = parse_baseline(self.repo.show(self.request.policy, FILE))
        findings = accept(findings, entries, today=self.request.today)
        findings = acknowledged(findings, self.rules)
        changes = [change for work in done for change in work.changes]
        datasets = [work.change for work in rows]
        moved = sides.moved()
        commits = self.request.commits
        return Review(
            tool=Tool("skillsync", __version__, "canon:1"),
            range=Range(commits.base, commits.head, commits.merge_base, self.request.policy),
            mode=mode,
            project=Project(self.target.name, place),
            settings=self.rules,
            checks=Checks(secrets, tuple(sorted({one.tool for one in findings if one.tool}))),
            plan=make_plan(mode, place, ops),
            cost=Cost(_reads(ops), _writes(ops)),
            skills=tuple(sorted(changes, key=lambda one: (one.name, one.dir))),
            datasets=tuple(sorted(datasets, key=lambda one: (one.name, one.dir))),
            moved=moved,
            findings=tuple(findings),
            gates=make_gates(findings, ops, datasets, self.rules),
            omitted=Omitted(
                lines=sum(work.omitted_lines for work in done),
                values=sum(work.omitted_values for work in rows),
                items=sum(work.omitted_items for work in rows),
            ),
        )

    def _known(self, skills: Sequence[SkillPair]) -> frozenset[str]:
        """Return the names and dataset folders that the base has, where the range left the pointer alone."""
        names = {
            one.before.name
            for one in skills
            if one.before.folder is not None and _keeps_pointer(one.before.folder, one.after.folder)
        }
        folders = {
            one.dir
            for one in self.trees.datasets
            if one.before is not None and _keeps_pointer(one.before, one.after)
        }
        return frozenset(names | folders)

    def _hits(
        self, skills: Sequence[SkillWork], datasets: Sequence[DatasetWork], secrets: str
    ) -> list[tuple[str, Hit]]:
        """Return every hit with the object that it is about."""
        hits = [(work.name, hit) for work in skills for hit in work.hits]
        hits += [(work.change.name, hit) for work in datasets for hit in work.hits]
        for pair in (*self.trees.skills, *self.trees.datasets):
            name = self.trees.names.get(pair.dir) or pair.dir.rpartition("/")[2]
            hits += [(name, hit) for hit in check_pointer(pair.before, pair.after)]
            if pair.dir in self.trees.on_base:
                message = "the base branch changed this object too since the range began"
                fix = "merge the base branch into this one"
                hits.append((name, Hit("D-STALE", pair.dir, None, pair.dir, message, fix=fix)))
        hits += [("", hit) for hit in check_guarded(self.trees.guarded)]
        if not self.has_policy:
            message = f"the base has no {SETTINGS_FILE}: reviewed with the defaults, for no target"
            hits.append(("", Hit("G-NO-POLICY", SETTINGS_FILE, None, "", message)))
        if secrets == "formats" and (skills or datasets):
            message = "only known token formats were looked for: detect-secrets is not installed"
            fix = "pip install 'skillsync[review]'"
            hits.append(("", Hit("S-PARTLY", "", None, "", message, fix=fix)))
        for name, data in self.request.sarif:
            hits += [("", hit) for hit in read_sarif(data, name=name)]
        return hits


def _keeps_pointer(before: Folder, after: Folder | None) -> bool:
    return after is None or (before.pointer, before.rows) == (after.pointer, after.rows)


def _reads(ops: Sequence[Op]) -> int:
    """One list for each kind of object, and a look at each object that is written."""
    objects = [op for op in ops if op.kind is not Kind.ROW]
    return len({op.kind for op in objects}) + sum(op.op is not Verb.NONE for op in objects)


def _writes(ops: Sequence[Op]) -> int:
    goes = {Standing.CURRENT, Standing.UNVERIFIED}
    return sum(op.op is not Verb.NONE and op.standing in goes for op in ops)


def resolve_target(settings: Settings, name: str | None, *, has_policy: bool) -> Target:
    """Return the target of a review; without a policy there is none. Raises ConfigError, UsageError."""
    if has_policy:
        return settings.target(name)
    if name is not None:
        raise UsageError(f"the base has no {SETTINGS_FILE}, so there is no target {name!r}")
    return NO_TARGET
