"""Labels as acknowledgements: who set them, and when, on both forges."""

from __future__ import annotations

import pytest

from skillsync.forge.acks import Labelled, acknowledged, since_when
from skillsync.forge.decide import Comment, Mark
from skillsync.forge.github import GitHub
from skillsync.forge.gitlab import GitLab
from skillsync.forge.port import Calls
from tests.forge.imitation import forge
from tests.forge.test_post import transport

SINCE, BEFORE, AFTER = "2026-08-01T12:00:00Z", "2026-08-01T11:59:59Z", "2026-08-01T12:00:01.5Z"
OK = "skillsync:permissions-ok"


@pytest.mark.parametrize(
    ("why", "events", "kinds"),
    [
        ("nothing was set", [], ()),
        ("set by a maintainer since the push", [Labelled(OK, "max", True, AFTER)], ("permissions",)),
        ("set before the push", [Labelled(OK, "max", True, BEFORE)], ()),
        ("set at that very second", [Labelled(OK, "max", True, SINCE)], ()),
        ("taken away again", [Labelled(OK, "max", True, AFTER), Labelled(OK, "eve", False, AFTER)], ()),
        ("set by the author", [Labelled(OK, "Ada", True, AFTER)], ()),
        ("set by somebody who may not write", [Labelled(OK, "eve", True, AFTER)], ()),
        ("set by an account that is gone", [Labelled(OK, "", True, AFTER)], ()),
        ("set again by somebody else later", [Labelled(OK, "ada", True, AFTER), Labelled(OK, "max", True, AFTER)], ("permissions",)),
        ("another label", [Labelled("bug", "max", True, AFTER)], ()),
        ("a time that is none", [Labelled(OK, "max", True, "yesterday")], ()),
        ("a time without a zone", [Labelled(OK, "max", True, "2026-08-01T13:00:00")], ()),
        ("all three", [Labelled(f"skillsync:{kind}-ok", "max", True, AFTER) for kind in ("trigger", "archive", "permissions")], ("archive", "permissions", "trigger")),
    ],
)  # fmt: skip
def test_which_labels_count(why: str, events: list[Labelled], kinds: tuple[str, ...]) -> None:
    found = acknowledged(events, author="ada", since=SINCE, may_write=lambda login: login in {"max", "ada"})  # fmt: skip
    assert found == kinds, why


def test_only_our_own_comment_of_this_head_says_since_when() -> None:
    head, me = "a" * 40, "bot"

    def comment(author: str, at: str, key: str = "default", since: str = SINCE) -> Comment:
        return Comment(1, author, f"{Mark(key, '0' * 64, at, since).line}\ntext")

    def since(*comments: Comment) -> str | None:
        return since_when(comments, me=me, key="default", head=head)

    assert since(comment(me, head)) == SINCE
    assert since(comment("mallory", head)) is None
    assert since(comment(me, "b" * 40)) is None
    assert since(comment(me, head, key="other")) is None
    assert since(comment(me, head, since="")) is None


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_both_forges_tell_who_set_what_and_who_may_write(kind: str) -> None:
    with forge() as server:
        server.events = [(OK, "max", True, AFTER), ("bug", "ada", False, BEFORE)]
        server.writers = {"max"}
        sent = transport(server)
        door = GitHub(Calls(sent, ""), "octo/skills", 7, "/graphql") if kind == "github" else GitLab(Calls(sent, "/api/v4"), "12", 7)  # fmt: skip
        assert door.labelled() == [Labelled(OK, "max", True, AFTER), Labelled("bug", "ada", False, BEFORE)]  # fmt: skip
        assert (door.author(), door.may_write("max"), door.may_write("eve")) == ("ada", True, False)
