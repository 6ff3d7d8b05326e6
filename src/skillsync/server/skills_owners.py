"""Owners and tags: what belongs to the skill that bears a name, not to one of its versions (skills-api.md 12)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import BigIntegerField, CharField
from rest_framework.exceptions import ValidationError

from skillsync.server.models import SkillOwner, SkillTag, User
from skillsync.server.permissions import is_member
from skillsync.server.prepared import Prepared, Slot

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from skillsync.server.models import Project


@dataclass(frozen=True, slots=True)
class Belongings:
    """The owners, oldest first, and the tags, alphabetical, of one skill."""

    owners: tuple[User, ...] = ()
    tags: tuple[str, ...] = ()


def belongings_of(project: Project, names: Iterable[str]) -> Mapping[str, Belongings]:
    """By name; two queries however many names there are. A name without any has empty ones."""
    wanted = list(names)
    owners: dict[str, list[User]] = defaultdict(list)
    tags: dict[str, list[str]] = defaultdict(list)
    if len(wanted) == 1:  # every GET and publish of a skill
        of_skill = {"project": project.pk, "name": wanted[0]}
        owned, tagged = _OWNERS.rows(**of_skill), _TAGS.rows(**of_skill)
    else:
        owned = list(_owners(project=project, name__in=wanted))
        tagged = list(_tags(project=project, name__in=wanted))
    for owner in owned:
        owners[owner.name].append(owner.user)
    for name, tag in tagged:
        tags[name].append(tag)
    return {name: Belongings(tuple(owners[name]), tuple(sorted(tags[name]))) for name in wanted}


def _owners(**which: object) -> QuerySet[SkillOwner]:
    return SkillOwner.objects.filter(**which).select_related("user").order_by("pk")


def _tags(**which: object) -> QuerySet[SkillTag, tuple[str, str]]:
    return SkillTag.objects.filter(**which).order_by("tag").values_list("name", "tag")


_OF_SKILL = {"project_id": Slot("project", BigIntegerField()), "name": Slot("name", CharField())}
_OWNERS = Prepared(lambda: _owners(**_OF_SKILL))
_TAGS = Prepared(lambda: _tags(**_OF_SKILL))


def members(project: Project, uuids: Sequence[uuid.UUID]) -> list[User]:
    """The people of these UUIDs, in this order; ValidationError ``invalid_owner`` for somebody else."""
    known = {user.uuid: user for user in User.objects.filter(uuid__in=uuids, is_active=True)}
    for number in uuids:
        if number not in known or not is_member(known[number], project):
            raise ValidationError(
                {"owners": [f"User '{number}' is not a member of this project."]},
                code="invalid_owner",
            )
    return [known[number] for number in uuids]


def set_owners(project: Project, name: str, owners: Sequence[User]) -> None:
    """Make these the owners; who stays one keeps the place."""
    SkillOwner.objects.filter(project=project, name=name).exclude(user__in=owners).delete()
    present = set(
        SkillOwner.objects.filter(project=project, name=name).values_list("user", flat=True)
    )
    for user in owners:
        if user.pk not in present:
            SkillOwner.objects.create(project=project, name=name, user=user)


def set_tags(project: Project, name: str, tags: Iterable[str]) -> None:
    """Make these the tags."""
    SkillTag.objects.filter(project=project, name=name).delete()
    SkillTag.objects.bulk_create(SkillTag(project=project, name=name, tag=tag) for tag in tags)


def forget(project: Project, name: str) -> None:
    """The skill was archived: whoever takes the name starts afresh (skills-api.md 4)."""
    SkillTag.objects.filter(project=project, name=name).delete()
    SkillOwner.objects.filter(project=project, name=name).delete()


def move(project: Project, name: str, new_name: str) -> None:
    """The skill was renamed."""
    SkillTag.objects.filter(project=project, name=name).update(name=new_name)
    SkillOwner.objects.filter(project=project, name=name).update(name=new_name)
