"""The door of the decision tables: facts of a skill, a row or a dataset in, a verdict out (sync.md 7).

Total and pure: no I/O, no clock, no order of the input counts. Each object is decided alone. What two sides
changed alike is agreement; whatever is not proven falls to the verdict that writes least.
"""

from __future__ import annotations

from skillsync.core.claims import Claim, Standing, settle_claims
from skillsync.core.reconcile_dataset import (
    Candidate,
    DatasetFacts,
    DatasetPull,
    DatasetPush,
    DatasetVerdict,
    FolderState,
    decide_dataset,
)
from skillsync.core.reconcile_row import (
    FileStep,
    FileVerdict,
    decide_file,
    decide_row,
    find_rekeyed,
    pair_by_content,
    removable_duplicates,
    winner,
)
from skillsync.core.reconcile_skill import decide_skill, needs_remote_content
from skillsync.core.row_states import RowFacts, RowGroups, RowPull, RowPush, RowState, RowVerdict
from skillsync.core.skill_states import (
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
    "Candidate",
    "Claim",
    "DatasetFacts",
    "DatasetPull",
    "DatasetPush",
    "DatasetVerdict",
    "FileStep",
    "FileVerdict",
    "FolderState",
    "LocalFact",
    "PullStep",
    "PushStep",
    "RemoteFact",
    "RowFacts",
    "RowGroups",
    "RowPull",
    "RowPush",
    "RowState",
    "RowVerdict",
    "SkillFacts",
    "SkillState",
    "Standing",
    "Verdict",
    "decide_dataset",
    "decide_file",
    "decide_row",
    "decide_skill",
    "find_rekeyed",
    "needs_remote_content",
    "pair_by_content",
    "removable_duplicates",
    "settle_claims",
    "winner",
]
