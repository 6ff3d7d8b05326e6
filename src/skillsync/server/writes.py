"""Write transactions, one at a time per project, and timestamps that only grow."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import BigIntegerField, F
from django.utils import timezone
from rest_framework.exceptions import NotFound

from skillsync.server.models import Project
from skillsync.server.prepared import Prepared, PreparedUpdate, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_LOCK = Prepared(
    lambda: (
        Project.objects.select_for_update()
        .filter(pk=Slot("pk", BigIntegerField()))
        .values_list("pk")
    )
)
_SKILLS_CHANGED = PreparedUpdate(
    lambda: Project.objects.filter(pk=Slot("pk", BigIntegerField())),
    skills_revision=F("skills_revision") + 1,
)


@contextmanager
def writing(project: Project) -> Iterator[None]:
    """All or nothing, and no other write of the project in between.

    On SQLite the transaction takes the database's one write lock at BEGIN; elsewhere the project's row is
    locked. Either way whoever waited reads what the one before wrote, so a stale base is seen as such.
    """
    with transaction.atomic():
        if connection.features.has_select_for_update:
            _require_there(len(_LOCK.rows(pk=project.pk)))
        yield


@contextmanager
def writing_skills(project: Project) -> Iterator[None]:
    """``writing`` that also says that the project's skills changed (``X-Skills-Version``)."""
    with writing(project):
        yield
        _require_there(_SKILLS_CHANGED.run(pk=project.pk))


def _require_there(projects: int) -> None:
    """NotFound when somebody took the project away since the request was let in."""
    if not projects:
        raise NotFound("Project not found.")


def now_after(moment: datetime | None) -> datetime:
    """The present, but at least a microsecond after ``moment`` whatever the clock says."""
    now = timezone.now()
    if moment is None:
        return now
    return max(now, moment + timedelta(microseconds=1))
