"""Projects, users and keys, made from outside the API: by ``serve``, ``server-admin``, the demo and tests."""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skillsync.server.database import alone, pointed_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillsync.server.models import ApiKey, Organization, Project, User

FIRST_USER = "admin"
FIRST_PROJECT = "Default project"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only moment at which its value is known."""

    value: str = field(repr=False)
    user_id: int
    user_email: str
    id: str


@dataclass(frozen=True, slots=True)
class FirstStart:
    """The project to use, and the key when it was newly made or given."""

    project: int
    key: str | None = field(repr=False)


def create_organization(name: str) -> Organization:
    """One more organisation; ValueError when the name is none or taken."""
    from skillsync.server.models import Organization

    pointed_at()
    _require_title(name, longest=64)
    if Organization.objects.filter(name=name.strip()).exists():
        raise ValueError(f"there is an organisation {name!r} already")
    return Organization.objects.create(name=name.strip())


def create_project(name: str, *, organization: str | None = None) -> Project:
    """A new project in the database of the last ``create_app``, of the first organisation or the one named.

    ``organization`` is a name or an id. ValueError for an unknown one, or a name that is none.
    """
    from skillsync.server.models import Project

    pointed_at()
    _require_title(name, longest=200)
    owner = _organization() if organization is None else find_organization(organization)
    return Project.objects.create(
        organization=owner,
        name=name,
        api_token="phc_" + secrets.token_urlsafe(32),
    )


def create_key(
    *,
    user: str,
    scopes: Sequence[str] = ("*",),
    project: int | None = None,
    organization: str | None = None,
    value: str | None = None,
    projects_allowed: Sequence[int] | None = None,
) -> NewKey:
    """A key for the person ``user`` (a name or an e-mail address), who is created if unknown.

    ``scopes`` such as ``llm_skill:read``. ``project`` and ``organization`` (a name or an id) limit the key;
    ``projects_allowed`` limits the person's membership, in every key. ValueError for a scope, project,
    organisation or value that cannot be.
    """
    from django.db import transaction

    from skillsync.server.authentication import new_key_value

    pointed_at()
    _require_scopes(scopes)
    _require_projects([*(projects_allowed or ()), *([] if project is None else [project])])
    organizations = [] if organization is None else [str(find_organization(organization).pk)]
    with transaction.atomic():
        owner = _user(user)
        if projects_allowed is not None:
            owner.projects.set(projects_allowed)
        if project is not None and owner.current_project_id is None:
            owner.current_project_id = project
            owner.save(update_fields=["current_project"])
        key_value = new_key_value() if value is None else value
        key = _store_key(
            owner,
            key_value,
            scopes=list(scopes),
            scoped_teams=[] if project is None else [project],
            scoped_organizations=organizations,
        )
    return NewKey(value=key_value, user_id=owner.pk, user_email=owner.email, id=key.pk)


def first_start(*, key: str | None) -> FirstStart:
    """Make sure that there is something to work with; safe to call at every start.

    An empty database gets project 1, a user and a key. A ``key`` that is given becomes valid, also on a
    database that is not empty.
    """
    from django.db import transaction

    from skillsync.server.authentication import key_digest
    from skillsync.server.models import ApiKey, Project

    pointed_at()
    with alone("first start"), transaction.atomic():
        project = Project.objects.order_by("pk").first()
        if project is None:
            project = create_project(FIRST_PROJECT)
            made = create_key(user=FIRST_USER, value=key)
            return FirstStart(project=project.pk, key=made.value)
        if key is not None:
            known = ApiKey.objects.filter(digest=key_digest(key)).first()
            if known is None:
                create_key(user=FIRST_USER, value=key)
            elif known.revoked_at is not None:
                raise ValueError("this key was revoked")
    return FirstStart(project=project.pk, key=key)


def find_organization(wanted: str) -> Organization:
    """The organisation of this name or id; ValueError when there is none."""
    from skillsync.server.models import Organization

    for organization in Organization.objects.order_by("pk"):
        if wanted in {organization.name, str(organization.pk)}:
            return organization
    raise ValueError(f"there is no organisation {wanted!r}")


def _organization() -> Organization:
    from skillsync.server.models import Organization

    return Organization.objects.order_by("pk").first() or Organization.objects.create(
        name="skillsync"
    )


def _user(name: str) -> User:
    from skillsync.server.models import User

    name = name.strip()
    if not name:
        raise ValueError("a user needs a name")
    email = name if "@" in name else _address(name)
    first, _, last = name.partition("@")[0].partition(" ")
    user, _ = User.objects.get_or_create(
        email=email,
        defaults={"distinct_id": str(uuid.uuid4()), "first_name": first, "last_name": last.strip()},
    )
    return user


def _address(name: str) -> str:
    local = re.sub(r"[^\w.+-]+", ".", name.lower()).strip(".")
    if not local:
        raise ValueError(f"{name!r} is no name for a user")
    return f"{local}@localhost"


def _store_key(owner: User, value: str, **limits: list[Any]) -> ApiKey:
    from skillsync.server.authentication import key_digest, mask
    from skillsync.server.models import ApiKey

    if not re.fullmatch(r"\S{8,200}", value):
        raise ValueError("a key has 8 to 200 characters and no spaces; ours look like phx_…")
    digest = key_digest(value)
    if ApiKey.objects.filter(digest=digest).exists():
        raise ValueError("this key exists already")
    return ApiKey.objects.create(
        id=secrets.token_urlsafe(12),
        user=owner,
        label=f"key of {owner.first_name}"[:40],
        digest=digest,
        mask_value=mask(value),
        **limits,
    )


def _require_title(name: str, *, longest: int) -> None:
    if not name.strip() or len(name.strip()) > longest:
        raise ValueError(f"a name has 1 to {longest} characters")


def _require_scopes(scopes: Sequence[str]) -> None:
    for scope in scopes:
        if scope != "*" and not re.fullmatch(r"[a-z_]+:(read|write)", scope):
            raise ValueError(f"{scope!r} is no scope: use OBJECT:read, OBJECT:write or *")
    if not scopes:
        raise ValueError("a key needs at least one scope")


def _require_projects(numbers: Sequence[int]) -> None:
    from skillsync.server.models import Project

    for number in numbers:
        if not Project.objects.filter(pk=number).exists():
            raise ValueError(f"there is no project {number}")
