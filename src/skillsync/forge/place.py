"""Where the comment goes: forge, project and pull request, from the options and from what CI says. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from skillsync.errors import UsageError
from skillsync.forge.port import member
from skillsync.model import Json
from skillsync.repo.git_formats import is_object_id

Kind: TypeAlias = Literal["github", "gitlab"]
_GITHUB_REPO = re.compile(r"[A-Za-z0-9-]{1,100}/[A-Za-z0-9._-]{1,100}")
_GITLAB_PROJECT = re.compile(r"[A-Za-z0-9._/-]{1,500}")


@dataclass(frozen=True, slots=True)
class Branch:
    """The branch that a pull request is looked up by: its repository, its name."""

    repo: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """One pull or merge request. ``number`` None: look it up by ``branch``, or, without one, there is none.

    ``head`` is the commit that CI runs for, "" where nothing says it. ``origin`` and ``prefix`` are the API's
    address, ``graphql`` the path of GraphQL.
    """

    kind: Kind
    origin: str
    prefix: str
    graphql: str
    project: str
    number: int | None
    head: str
    branch: Branch | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said; "" and None where it said nothing."""

    forge: str = ""
    api_url: str = ""
    project: str = ""
    number: int | None = None
    head: str = ""


def find_place(asked: Asked, environ: Mapping[str, str], event: Json) -> Place:
    """Return where the comment goes. The event, never the review, says which pull request and which commit.

    Raises UsageError naming what nothing says.
    """
    kind = asked.forge or _running_in(environ)
    if kind == "github":
        return _github(asked, environ, event)
    if kind == "gitlab":
        return _gitlab(asked, environ)
    raise UsageError(
        "nothing says which forge the comment is for",
        hint="skillsync comment review.json --forge github --repo OWNER/NAME --number N",
    )


def _running_in(environ: Mapping[str, str]) -> str:
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else ""


def _github(asked: Asked, environ: Mapping[str, str], event: Json) -> Place:
    project = asked.project or environ.get("GITHUB_REPOSITORY", "")
    if not _GITHUB_REPO.fullmatch(project) or project.endswith(("/.", "/..")):
        raise UsageError(
            "the repository is no OWNER/NAME", subject=project, hint="--repo OWNER/NAME"
        )
    origin, prefix = _address(
        asked.api_url or environ.get("GITHUB_API_URL", "") or "https://api.github.com"
    )
    graphql = f"{prefix.removesuffix('/v3')}/graphql"
    number, head, branch = asked.number, "", None
    run = member(event, "workflow_run")
    if number is None and isinstance(run, dict):
        head = _commit(member(run, "head_sha"))
        repo, name = member(run, "head_repository", "full_name"), member(run, "head_branch")
        if (
            member(run, "event") == "pull_request"
            and isinstance(repo, str)
            and isinstance(name, str)
        ):
            branch = Branch(repo, name)
    elif number is None:
        found = member(event, "pull_request", "number")
        number = found if isinstance(found, int) and not isinstance(found, bool) else None
        head = _commit(member(event, "pull_request", "head", "sha"))
    return Place(
        "github", origin, prefix, graphql, project, number, _head(asked) or head, branch
    )  # fmt: skip


def _gitlab(asked: Asked, environ: Mapping[str, str]) -> Place:
    project = asked.project or environ.get("CI_MERGE_REQUEST_PROJECT_ID", "")
    project = project or environ.get("CI_PROJECT_ID", "")
    if not _GITLAB_PROJECT.fullmatch(project):
        raise UsageError(
            "the project is no id and no path", subject=project, hint="--repo GROUP/NAME"
        )
    origin, prefix = _address(
        asked.api_url or environ.get("CI_API_V4_URL", "") or "https://gitlab.com/api/v4"
    )
    said = environ.get("CI_MERGE_REQUEST_IID", "")
    number = asked.number or (int(said) if re.fullmatch(r"[0-9]{1,12}", said) else None)
    ran = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA")
    head = "" if asked.number else _commit(ran)
    return Place("gitlab", origin, prefix, "", project, number, _head(asked) or head)


def _head(asked: Asked) -> str:
    if asked.head and not is_object_id(asked.head):
        raise UsageError("--head is no full commit id", subject=asked.head)
    return asked.head


def _commit(value: Json) -> str:
    return value if isinstance(value, str) and is_object_id(value) else ""


def _address(url: str) -> tuple[str, str]:
    """Split the API's address into origin and path; the transport checks the origin before a token goes there."""
    parts = urlsplit(url)
    if parts.query or parts.fragment or not re.fullmatch(r"[A-Za-z0-9._/-]*", parts.path):
        raise UsageError("the address of the forge's API is none", subject=url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
