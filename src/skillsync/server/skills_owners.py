"""Owners and tags: what belongs to the skill that bears a name, not to one of its versions (skills-api.md 12)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rest_framework.exceptions import ValidationError

from skillsync.server.models import SkillOwner, SkillTag, User
from skillsync.server.permissions import is_member

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Mapping, Sequence

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
    for owner in (
        SkillOwner.objects.filter(project=project, name__in=wanted)
        .select_related("user")
        .order_by("pk")
    ):
        owners[owner.name].append(owner.user)
    tags: dict[str, list[str]] = defaultdict(list)
    for name, tag in (
        SkillTag.objects.filter(project=project, name__in=wanted)
        .order_by("tag")
        .values_list("name", "tag")
    ):
        tags[name].append(tag)
    return {name: Belongings(tuple(owners[name]), tuple(sorted(tags[name]))) for name in wanted}


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
