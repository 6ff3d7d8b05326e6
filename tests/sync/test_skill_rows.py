"""Every row of sync.md 7.1 end to end in solo mode: what push and pull write on each side, and how they exit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillsync.errors import RefusedForSafety, SkillsyncError
from skillsync.sync.report import Report
from skillsync.sync.resolve import Choice
from tests.sync.harness import Clone, Live, first_push

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"
STATES = ("committed", "dirty", "detached")


# ---------------------------------------------------------------- how a state is built


def stored(name: str) -> Any:
    """The server's rows of a skill, to make a state that takes a backup or 2,000 publishes to reach."""
    from skillsync.server.models import Skill  # needs Django to be set up, which Live does

    return Skill.objects.filter(name=name)


def linked(clone: Clone, live: Live) -> None:
    """Alpha and a second skill, published and committed: B = L = R."""
    clone.skill("alpha", BODY)
    clone.skill("other")
    first_push(clone)


def local_edit(clone: Clone) -> None:
    clone.replace(PATH, "one\n", "ONE, locally\n")


def s1_nothing(clone: Clone, live: Live) -> None:
    clone.write("README.md", "no skill at all\n")


def s2_local_only(clone: Clone, live: Live) -> None:
    clone.skill("alpha", BODY)


def s3_remote_only(clone: Clone, live: Live) -> None:
    live.create("alpha")


def s4_same_own(clone: Clone, live: Live) -> None:
    live.create("alpha", user="me", body=BODY)
    clone.skill("alpha", BODY)


def s4_same_foreign(clone: Clone, live: Live) -> None:
    live.create("alpha", body=BODY)
    clone.skill("alpha", BODY)


def s5_unrelated(clone: Clone, live: Live) -> None:
    live.create("alpha", body="something else")
    clone.skill("alpha", BODY)


def s6_in_sync(clone: Clone, live: Live) -> None:
    linked(clone, live)


def s7_behind(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.edit_body("alpha", "five", "FIVE")


def s8_ahead(clone: Clone, live: Live) -> None:
    linked(clone, live)
    local_edit(clone)


def s9_both_equal(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.edit_body("alpha", "one", "ONE, locally")
    local_edit(clone)


def s10_diverged(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.edit_body("alpha", "five", "FIVE")
    local_edit(clone)


def s11_net_zero(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.edit_body("alpha", "five", "FIVE")
    live.edit_body("alpha", "FIVE", "five")


def s11_net_zero_edited(clone: Clone, live: Live) -> None:
    s11_net_zero(clone, live)
    local_edit(clone)


def s11_net_zero_deleted(clone: Clone, live: Live) -> None:
    s11_net_zero(clone, live)
    remove_folder(clone)


def remove_folder(clone: Clone) -> None:
    shutil.rmtree(clone.path / "skills/alpha")


def s13_deleted(clone: Clone, live: Live) -> None:
    linked(clone, live)
    (clone.path / PATH).unlink()


def s13_only_skill_gone(clone: Clone, live: Live) -> None:
    """The removal of the only skill was committed, its pointer with it."""
    clone.skill("alpha", BODY)
    assert clone.push().exit == 0
    clone.commit("published")
    remove_folder(clone)
    clone.commit("removed")


def s14_deleted_but_edited(clone: Clone, live: Live) -> None:
    s13_deleted(clone, live)
    live.edit_body("alpha", "five", "FIVE")


def s15_archived(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.archive("alpha")


def s16_edited_but_archived(clone: Clone, live: Live) -> None:
    linked(clone, live)
    local_edit(clone)
    live.archive("alpha")


def s17_both_gone(clone: Clone, live: Live) -> None:
    s13_deleted(clone, live)
    live.archive("alpha")


def s18_recreated_equal(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.archive("alpha")
    live.create("alpha", body=BODY)


def s19_recreated_different(clone: Clone, live: Live) -> None:
    linked(clone, live)
    live.archive("alpha")
    live.create("alpha", body="another text")


def s21_renamed(clone: Clone, live: Live) -> None:
    """The name was changed here; this server renames nothing."""
    linked(clone, live)
    clone.replace(PATH, "name: alpha\n", "name: gamma\n")


def s20_renamed_there(clone: Clone, live: Live) -> None:
    linked(clone, live)
    local_edit(clone)
    live.rename("alpha", "beta")


def s22_renamed_on_both_sides(clone: Clone, live: Live) -> None:
    linked(clone, live)
    clone.replace(PATH, "name: alpha\n", "name: gamma\n")
    live.rename("alpha", "beta")


def refused(clone: Clone, status: int, path: str) -> None:
    clone.connect(clone.target)
    assert clone.requests
    clone.requests.after = refusing(status, path)


def s25_no_answer(clone: Clone, live: Live) -> None:
    s10_diverged(clone, live)
    refused(clone, 503, "")


def s25_key_refused(clone: Clone, live: Live) -> None:
    s10_diverged(clone, live)
    refused(clone, 401, "")


def s25_forbidden(clone: Clone, live: Live) -> None:
    s10_diverged(clone, live)
    refused(clone, 403, "name/alpha")


def s25_contradicted(clone: Clone, live: Live) -> None:
    """The address of the skill knows nothing of it, the list does."""
    s10_diverged(clone, live)
    refused(clone, 404, "name/alpha")


def s23_copy(clone: Clone, live: Live) -> None:
    linked(clone, live)
    shutil.copytree(clone.path / "skills/alpha", clone.path / "skills/beta")
    clone.replace("skills/beta/SKILL.md", "name: alpha\n", "name: beta\n")


def s23_copy_same_name(clone: Clone, live: Live) -> None:
    linked(clone, live)
    shutil.copytree(clone.path / "skills/alpha", clone.path / "skills/beta")


def others_wait(clone: Clone, live: Live) -> None:
    """Something that push would publish, and something that pull would write, if alpha did not stop them."""
    clone.replace("skills/other/SKILL.md", "Step one.", "Step 1.")
    clone.dataset("qa", ['{"id": "r1", "input": "one"}'])
    live.create("fresh")


def restored_from_a_backup(name: str, number: int) -> None:
    """Let the server have lost every version after this one."""
    stored(name).filter(version__gt=number).delete()
    stored(name).filter(version=number).update(is_latest=True)


def s24_ahead_of_the_remote(clone: Clone, live: Live) -> None:
    """The server was restored from a backup: the newest version is gone again."""
    linked(clone, live)
    live.edit_body("alpha", "five", "FIVE")
    assert clone.pull().exit == 0
    clone.commit("pulled")
    restored_from_a_backup("alpha", 1)
    others_wait(clone, live)


def s24_grown_again(clone: Clone, live: Live) -> None:
    """Restored from a backup and edited since: the number is there, and higher ones, but not the version."""
    linked(clone, live)
    live.edit_body("alpha", "five", "FIVE")
    assert clone.pull().exit == 0
    clone.commit("pulled")
    restored_from_a_backup("alpha", 1)
    live.edit_body("alpha", "one", "ONE")
    live.edit_body("alpha", "two", "TWO")
    others_wait(clone, live)


def s24_grown_again_edited(clone: Clone, live: Live) -> None:
    s24_grown_again(clone, live)
    local_edit(clone)


def s24_other_id(clone: Clone, live: Live) -> None:
    """The pointer's number is there with another id: this is another project's skill."""
    clone.skill("alpha", BODY)
    clone.skill("other")
    assert clone.push().exit == 0
    pointer = clone.read(POINTER)
    here = live.skill("alpha")["id"]
    clone.write(POINTER, pointer.replace(here, "0199f3c2-0000-7000-8000-000000000000"))
    clone.commit("somebody else's pointer")
    others_wait(clone, live)


def s26_invalid(clone: Clone, live: Live) -> None:
    linked(clone, live)
    clone.replace(PATH, "description: Does alpha.\n", "description: [unclosed\n")
    clone.replace("skills/other/SKILL.md", "Step one.", "Step 1.")


def s26_all_invalid(clone: Clone, live: Live) -> None:
    clone.skill("alpha", BODY)
    clone.push()
    clone.commit()
    clone.replace(PATH, "description: Does alpha.\n", "description: [unclosed\n")


def s27_near_the_limit(clone: Clone, live: Live) -> None:
    linked(clone, live)
    local_edit(clone)
    renumber(clone, 1_900)


def s27_at_the_limit(clone: Clone, live: Live) -> None:
    linked(clone, live)
    local_edit(clone)
    renumber(clone, 2_000)


def renumber(clone: Clone, number: int) -> None:
    """Let the only version be this number on both sides, as after so many publishes."""
    stored("alpha").update(version=number)
    clone.write(POINTER, clone.read(POINTER).replace(" v1 ", f" v{number} "))
    clone.git("add", POINTER)
    clone.git("commit", "-q", "-m", "renumbered", "--", POINTER)


# ---------------------------------------------------------------- what is expected


@dataclass(frozen=True)
class Side:
    """What one command does in a state.

    ``row`` "" : it says nothing of alpha. ``writes``: requests that may write. ``files``: it changes files other
    than pointers. ``pointer``: the version number that the pointer names afterwards, 0 for none.
    """

    exit: int
    row: str = ""
    code: str = ""
    writes: int = 0
    files: bool = False
    pointer: int = 0


@dataclass(frozen=True)
class Case:
    """``marked`` is what push does where a creation from a clean commit is followed by its marker (B9)."""

    build: Callable[[Clone, Live], None]
    push: Side
    pull: Side
    marked: Side | None = None

    @property
    def id(self) -> str:
        return self.build.__name__


CASES = [
    Case(s1_nothing, Side(0), Side(0)),
    Case(
        s2_local_only,
        Side(0, "S2", writes=1, pointer=1),
        Side(0),
        marked=Side(0, "S2", writes=2, pointer=2),
    ),
    Case(s3_remote_only, Side(0), Side(0, "S3", files=True, pointer=1)),
    Case(s4_same_own, Side(0, "S4", pointer=1), Side(0, "S4", pointer=1)),
    Case(s4_same_foreign, Side(0, "S4"), Side(0, "S4", pointer=1)),
    Case(s5_unrelated, Side(4, "S5", "E-UNRELATED"), Side(4, "S5", "E-UNRELATED")),
    Case(s6_in_sync, Side(0, pointer=1), Side(0, pointer=1)),
    Case(
        s7_behind,
        Side(0, "S7", "N-BEHIND", pointer=1),
        Side(0, "S7", files=True, pointer=2),
    ),
    Case(s8_ahead, Side(0, "S8", writes=1, pointer=2), Side(0, pointer=1)),
    Case(s9_both_equal, Side(0, "S9", pointer=1), Side(0, "S9", pointer=2)),
    Case(
        s10_diverged,
        Side(3, "S10", "E-REMOTE-AHEAD", pointer=1),
        Side(0, "S10", files=True, pointer=2),
    ),
    Case(s11_net_zero, Side(3, "S11", "E-REMOTE-AHEAD", pointer=1), Side(0, "S11", pointer=3)),
    Case(
        s11_net_zero_edited,
        Side(3, "S11", "E-REMOTE-AHEAD", pointer=1),
        Side(0, "S11", pointer=3),
    ),
    Case(s11_net_zero_deleted, Side(3, "S11", "E-REMOTE-AHEAD"), Side(0, "S11", pointer=3)),
    Case(s13_deleted, Side(0, "S13", "N-PENDING-REMOVAL", pointer=1), Side(0, pointer=1)),
    Case(s13_only_skill_gone, Side(0, "S13", "N-PENDING-REMOVAL"), Side(0)),
    Case(
        s14_deleted_but_edited,
        Side(4, "S14", "E-DELETED-BUT-EDITED", pointer=1),
        Side(4, "S14", "E-DELETED-BUT-EDITED", pointer=1),
    ),
    Case(
        s15_archived,
        Side(0, "S15", "N-ARCHIVED", pointer=1),
        Side(0, "S15", "N-ARCHIVED", pointer=1),
    ),
    Case(
        s16_edited_but_archived,
        Side(4, "S16", "E-EDITED-BUT-ARCHIVED", pointer=1),
        Side(4, "S16", "E-EDITED-BUT-ARCHIVED", pointer=1),
    ),
    Case(s17_both_gone, Side(0, "S17"), Side(0, "S17")),
    Case(s18_recreated_equal, Side(0, "S18", pointer=1), Side(0, "S18", pointer=1)),
    Case(
        s19_recreated_different,
        Side(4, "S19", "E-RECREATED", pointer=1),
        Side(4, "S19", "E-RECREATED", pointer=1),
    ),
    Case(
        s20_renamed_there,
        Side(3, "S20", "E-REMOTE-AHEAD", pointer=1),
        Side(0, "S20", files=True),
    ),
    Case(s22_renamed_on_both_sides, Side(4, pointer=1), Side(4, pointer=1)),
    Case(s21_renamed, Side(5, pointer=1), Side(5, pointer=1)),
    Case(s25_no_answer, Side(75, pointer=1), Side(75, pointer=1)),
    Case(s25_key_refused, Side(7, pointer=1), Side(7, pointer=1)),
    Case(
        s25_forbidden,
        Side(5, "S25", "E-FORBIDDEN", pointer=1),
        Side(5, "S25", "E-FORBIDDEN", pointer=1),
    ),
    Case(
        s25_contradicted,
        Side(5, "S25", "E-NOT-FOUND", pointer=1),
        Side(5, "S25", "E-NOT-FOUND", pointer=1),
    ),
    Case(
        s23_copy,
        Side(0, writes=1, pointer=1),
        Side(0, pointer=1),
        marked=Side(0, writes=2, pointer=1),
    ),
    Case(s23_copy_same_name, Side(5, pointer=1), Side(5, pointer=1)),
    Case(s24_ahead_of_the_remote, Side(6, pointer=2), Side(6, pointer=2)),
    Case(s24_grown_again, Side(6, pointer=2), Side(6, pointer=2)),
    Case(s24_grown_again_edited, Side(6, pointer=2), Side(6, pointer=2)),
    Case(s24_other_id, Side(6, pointer=1), Side(6, pointer=1)),
    Case(
        s26_invalid,
        Side(5, "S26", "E-SKILL-YAML", writes=1, pointer=1),
        Side(5, "S26", "E-SKILL-YAML", pointer=1),
    ),
    Case(
        s26_all_invalid,
        Side(1, "S26", "E-SKILL-YAML", pointer=1),
        Side(1, "S26", "E-SKILL-YAML", pointer=1),
    ),
    Case(
        s27_near_the_limit,
        Side(0, "S8", writes=1, pointer=1_901),
        Side(0, pointer=1_900),
    ),
    Case(
        s27_at_the_limit,
        Side(5, "S27", "E-VERSIONS-EXHAUSTED", pointer=2_000),
        Side(0, pointer=2_000),
    ),
]


def in_state(clone: Clone, live: Live, case: Case, state: str) -> None:
    case.build(clone, live)
    if state != "dirty":
        clone.commit("as built")
    if state == "detached":
        clone.git("checkout", "-q", "--detach")


def check(clone: Clone, live: Live, side: Side, run: Callable[[], Report]) -> None:
    before = without_pointers(clone)
    if clone.requests:
        clone.requests.made.clear()
    try:
        report = run()
    except SkillsyncError as error:
        assert error.exit_code == side.exit, error  # noqa: PT017  # raised or reported
        assert error.unchanged  # noqa: PT017  # the same
    else:
        assert report.exit == side.exit, report
        about = [one for one in report.outcomes if one.subject == "alpha"]
        assert [one.row for one in about] == ([side.row] if side.row else [])
        assert [one.code for one in about] == ([side.code] if side.row else [])
        assert all(one.fix for one in about if one.exit)
    assert clone.requests is not None
    assert len(clone.requests.writes) == side.writes, clone.requests.writes
    assert (without_pointers(clone) != before) == side.files
    assert pointer_number(clone) == side.pointer


def without_pointers(clone: Clone) -> dict[str, bytes]:
    return {path: data for path, data in clone.files().items() if not path.endswith(".skillsync")}


def pointer_number(clone: Clone) -> int:
    file = clone.path / POINTER
    return int(file.read_text().split()[1].removeprefix("v")) if file.is_file() else 0


IN_SHORT = {
    s2_local_only,
    s4_same_own,
    s8_ahead,
    s9_both_equal,
    s10_diverged,
    s11_net_zero,
    s20_renamed_there,
    s22_renamed_on_both_sides,
}
"""The rows that are tried against the current dialect with every change, too."""


def tier(case: Case, dialect: str, state: str) -> list[pytest.MarkDecorator]:
    """Clean trees of the seed and a few of the current dialect at once; every other state and dialect, then both."""
    if state != "committed":
        return [pytest.mark.slow if dialect == "seed" else pytest.mark.soak]
    return [] if dialect == "seed" or case.build in IN_SHORT else [pytest.mark.slow]


SEED_ALONE = {s21_renamed}
"""A server that keeps markers can rename: what becomes of these there is in test_markers.py."""

CURRENT_ALONE = {s20_renamed_there, s22_renamed_on_both_sides}
"""The first generation renames no skill."""

ROWS = [
    pytest.param(case, dialect, state, id=f"{case.id}-{dialect}-{state}", marks=tier(case, dialect, state))
    for case in CASES
    for dialect in ("seed", "current")
    if case.build not in (CURRENT_ALONE if dialect == "seed" else SEED_ALONE)
    for state in STATES
]  # fmt: skip


@pytest.mark.parametrize(("case", "live", "state"), ROWS, indirect=["live"])
def test_push(case: Case, state: str, solo: Clone, live: Live) -> None:
    """What push does in each row of sync.md 7.1, and that it says nothing new the second time."""
    in_state(solo, live, case, state)
    is_marked = live.dialect == "current" and state != "dirty"
    check(solo, live, (is_marked and case.marked) or case.push, solo.push)
    if not case.push.exit:
        assert solo.requests
        solo.requests.made.clear()
        before = solo.files()
        assert solo.push().exit == 0
        assert not solo.requests.writes
        assert solo.files() == before


@pytest.mark.parametrize(("case", "live", "state"), ROWS, indirect=["live"])
def test_pull(case: Case, state: str, solo: Clone, live: Live) -> None:
    """What pull does in each row of sync.md 7.1; it never writes remotely, and a second one changes nothing."""
    in_state(solo, live, case, state)
    check(solo, live, case.pull, solo.pull)
    if not case.pull.exit:
        before = solo.files()
        assert solo.pull().exit == 0
        assert solo.files() == before


def test_the_whole_folder_gone_is_pending_and_archived_only_by_name(
    solo: Clone, live: Live
) -> None:
    """S13: the pointer in HEAD says what was there."""
    linked(solo, live)
    remove_folder(solo)
    solo.commit()
    report = solo.push()
    assert [(one.subject, one.row) for one in report.outcomes] == [("alpha", "S13")]
    assert live.version("alpha") == 1
    assert solo.push(archive=["alpha"]).exit == 0
    assert live.skill("alpha") == {}
    assert live.version("other") == 1


def test_an_archived_skill_leaves_every_version_in_git(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    """S13: the server hides all of them from then on, so they are kept here first; twice is the same as once."""
    linked(solo, live)
    odd = {"path": 'sub/od "d\u00e9.md', "content": "file text", "content_type": "text/plain"}
    live.edit("alpha", files=[odd])
    live.edit_body("alpha", "five", "FIVE")
    assert solo.pull().exit == 0
    solo.commit()
    fresh = solo.clone(tmp_path / "fresh")
    remove_folder(solo)
    solo.commit()
    report = solo.push(archive=["alpha"])
    ref = "refs/skillsync/127.0.0.1_8765/1/alpha"
    assert f"versions kept in {ref}: 3" in report.outcomes[0].did
    kept = dict(
        line.rsplit(" ", 2)[::2]
        for line in solo.git("log", "--no-merges", "--format=%s %H", ref).splitlines()
    )
    assert list(kept) == ["alpha v3", "alpha v2", "alpha v1"]
    assert "FIVE" in solo.git("show", f"{ref}:SKILL.md")
    assert "FIVE" in solo.git("show", f"{kept['alpha v3']}:SKILL.md")
    assert "FIVE" not in solo.git("show", f"{kept['alpha v2']}:SKILL.md")
    names = solo.git("ls-tree", "-rz", "--name-only", ref).split("\0")
    assert odd["path"] in names
    assert '"file text"' in solo.git("show", f"{ref}:.skillsync-version.json")
    with fresh.connect(fresh.target) as remote:
        from skillsync.sync.export import export_history

        stored("alpha").update(deleted=False)
        stored("alpha").filter(version=3).update(is_latest=True)
        for _ in range(2):
            assert export_history(fresh.workspace, remote, "alpha") == (3, ref)
    assert fresh.git("rev-parse", ref) == solo.git("rev-parse", ref)


def test_a_history_that_cannot_be_kept_is_not_hidden(solo: Clone, live: Live) -> None:
    """S13: without the copy nothing is archived."""
    linked(solo, live)
    live.edit_body("alpha", "five", "FIVE")
    assert solo.pull().exit == 0
    solo.commit()
    remove_folder(solo)
    assert solo.requests
    solo.requests.after = refusing(403, "name/alpha?body_length=1000000&version=1")
    report = solo.push(archive=["alpha"])
    assert report.exit == 5, report
    assert live.version("alpha") == 2


def test_an_archive_is_blocked_when_the_remote_moved(solo: Clone, live: Live) -> None:
    s14_deleted_but_edited(solo, live)
    solo.commit()
    assert solo.push(archive=["alpha"]).exit == 4
    assert live.version("alpha") == 2


def test_an_absence_is_confirmed_by_two_listings_five_seconds_apart(
    solo: Clone, live: Live
) -> None:
    s15_archived(solo, live)
    before = solo.clock.monotonic()
    assert solo.requests
    solo.requests.made.clear()
    solo.pull()
    assert solo.clock.monotonic() - before >= 5
    assert sum("llm_skills?" in path for _, path in solo.requests.made) == 2


def test_the_only_linked_skill_gone_is_confirmed_by_the_key_check(solo: Clone, live: Live) -> None:
    """Fewer than two linked skills: the key's scope stands in for another known skill."""
    solo.skill("alpha", BODY)
    solo.push()
    solo.commit()
    live.archive("alpha")
    assert solo.requests
    solo.requests.made.clear()
    report = solo.pull()
    assert [one.row for one in report.outcomes] == ["S15"]
    assert any("personal_api_keys/@current" in path for _, path in solo.requests.made)


def test_an_absence_that_the_second_listing_denies_is_no_absence(solo: Clone, live: Live) -> None:
    """A listing that leaves a skill out once proves nothing (P11)."""
    s15_archived(solo, live)
    rows = stored("alpha")
    solo.clock.slept.clear()
    sleep = solo.clock.sleep

    def comes_back(seconds: float) -> None:
        rows.update(deleted=False)
        rows.filter(version=1).update(is_latest=True)
        sleep(seconds)

    solo.clock.sleep = comes_back  # type: ignore[method-assign]  # the world changes while we wait
    assert solo.pull(prune=True).exit == 0
    assert (solo.path / PATH).is_file()


def test_a_404_that_the_listing_contradicts_fails_this_skill_alone(solo: Clone, live: Live) -> None:
    """S25: the listing fails to be complete, so the missing skill is not taken for archived."""
    linked(solo, live)
    live.archive("alpha")
    solo.replace("skills/other/SKILL.md", "Step one.", "Step 1.")
    stored("alpha").update(deleted=False, is_latest=False)
    report = solo.push()
    about = {one.subject: one for one in report.outcomes}
    assert about["other"].did == "published v2"
    assert about["alpha"].exit in {0, 1}
    assert (solo.path / PATH).is_file()


def refusing(status: int, path: str) -> Callable[[httpx.Request, httpx.Response], httpx.Response]:
    """Answer every request to addresses with ``path`` in them with an error."""

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if path not in str(request.url):
            return response
        body = httpx.ByteStream(b'{"detail": "no"}')
        return httpx.Response(status, headers={"Content-Type": "application/json"}, stream=body)

    return after


@pytest.mark.parametrize("verb", ["push", "pull"])
@pytest.mark.parametrize(
    ("status", "path", "exits"),
    [
        (503, "", 75),
        (401, "", 7),
        (503, "name/alpha", 75),
        (401, "name/alpha", 7),
        (403, "name/alpha", 5),
        (404, "name/alpha", 5),
    ],
)
def test_an_unreachable_server_or_skill(
    solo: Clone, live: Live, verb: str, status: int, path: str, exits: int
) -> None:
    """S25: one skill's own refusal is its own failure; no answer or an unknown key is the run's."""
    s10_diverged(solo, live)
    solo.replace("skills/other/SKILL.md", "Step one.", "Step 1.")
    live.edit_body("other", "Step two.", "Step 2.")
    if verb == "push":
        assert solo.pull("other").exit == 0
    before = solo.files()
    assert solo.requests
    solo.requests.after = refusing(status, path)
    try:
        report = getattr(solo, verb)()
    except SkillsyncError as error:
        assert error.exit_code == exits, error  # noqa: PT017
        assert error.unchanged == "Nothing was changed on either side."  # noqa: PT017
        assert solo.files() == before
    else:
        assert report.exit == exits, report
        about = {one.subject: one for one in report.outcomes}
        assert about["other"].changed
        assert about["alpha"].exit
    assert live.version("alpha") == 2
    assert solo.read(PATH).encode() == before[PATH]
    assert pointer_number(solo) == 1


@pytest.mark.parametrize("body", [BODY, "something else"])
def test_a_name_that_was_taken_in_the_same_moment(solo: Clone, live: Live, body: str) -> None:
    """S2: the server refuses the duplicate, and what is there then decides: S4 or S5."""
    solo.skill("alpha", BODY)
    assert solo.pull().exit == 0
    assert solo.requests

    def somebody_first(request: httpx.Request) -> None:
        if request.method == "POST":
            assert solo.requests
            solo.requests.before = None
            live.create("alpha", body=body)

    solo.requests.before = somebody_first
    report = solo.push()
    (one,) = [one for one in report.outcomes if one.subject == "alpha"]
    assert (one.row, one.exit) == (("S4", 0) if body == BODY else ("S5", 4))
    assert live.version("alpha") == 1
    assert live.skill("alpha")["body"] == body.strip()
    assert pointer_number(solo) == 0


def test_an_edit_in_the_moment_of_a_publish_is_not_overwritten(solo: Clone, live: Live) -> None:
    """409 means plan again, never send again (9.2, R1)."""
    s8_ahead(solo, live)
    assert solo.requests

    def somebody_first(request: httpx.Request) -> None:
        if request.method == "PATCH":
            assert solo.requests
            solo.requests.before = None
            live.edit_body("alpha", "five", "FIVE")

    solo.requests.before = somebody_first
    report = solo.push()
    (one,) = report.outcomes
    assert (one.code, one.exit) == ("E-REMOTE-AHEAD", 3)
    assert live.version("alpha") == 2
    assert "FIVE" in live.skill("alpha")["body"]
    assert len(solo.requests.writes) == 1
    assert pointer_number(solo) == 1


def test_a_name_that_was_changed_here_is_neither_published_nor_pulled(
    solo: Clone, live: Live
) -> None:
    """S21, where the server renames nothing: said with the way out; the old name is not taken for deleted."""
    linked(solo, live)
    solo.replace(PATH, "name: alpha\n", "name: gamma\n")
    for run in (solo.push, solo.pull):
        report = run()
        (one,) = [one for one in report.outcomes if one.subject == "gamma"]
        assert (one.exit, one.code, one.row) == (1, "E-RENAMED", "S21")
        assert "alpha" not in {each.subject for each in report.outcomes}
        assert one.fix
    assert live.version("alpha") == 1
    assert live.skill("gamma") == {}


def test_mass_absence_is_refused(solo: Clone, live: Live) -> None:
    """Two linked skills and an empty listing is how a lost permission looks (sync.md A9)."""
    linked(solo, live)
    live.archive("alpha")
    live.archive("other")
    before = solo.files()
    runs: list[Callable[[], object]] = [solo.pull, solo.push, lambda: solo.pull(prune=True)]
    for run in runs:
        with pytest.raises(RefusedForSafety) as caught:
            run()
        assert caught.value.exit_code == 6
    assert solo.files() == before


def test_prune_moves_an_archived_folder_to_rescue(solo: Clone, live: Live) -> None:
    """S15 with --prune; every byte can be printed again (P10)."""
    from skillsync.repo.rescue import Rescue

    solo.skill("alpha", BODY)
    solo.write("skills/alpha/scripts/run.sh", "echo hi\n", executable=True)
    solo.skill("other")
    solo.push()
    solo.commit()
    kept = solo.read(PATH).encode()
    live.archive("alpha")
    report = solo.pull(prune=True)
    assert report.exit == 0, report
    assert not (solo.path / "skills/alpha").exists()
    rescue = Rescue(solo.workspace.repo)
    contents = [
        rescue.show(copy.id, file.path) for copy in rescue.list() for file in rescue.files(copy.id)
    ]
    assert kept in contents
    assert b"echo hi\n" in contents


def test_a_prune_of_many_skills_needs_their_number(solo: Clone, live: Live) -> None:
    """P11: the ceiling holds for local removals, too."""
    names = [f"skill-{number}" for number in range(6)]
    for name in (*names, "kept"):
        solo.skill(name)
    solo.push()
    solo.commit()
    for name in names:
        live.archive(name)
    before = solo.files()
    for wrong in (None, 5, 7):
        with pytest.raises(RefusedForSafety, match="6 skills"):
            solo.pull(prune=True, max_removals=wrong)
    assert solo.files() == before
    assert solo.pull().exit == 0
    assert solo.files() == before
    assert solo.pull(prune=True, max_removals=6).exit == 0
    assert [path.name for path in (solo.path / "skills").iterdir()] == ["kept"]


def test_after_the_last_skills_are_archived_by_name_nothing_is_missing(
    solo: Clone, live: Live
) -> None:
    """That the server lists nothing then is what was asked for, committed or not."""
    for name in ("alpha", "beta"):
        solo.skill(name)
        solo.dataset(f"{name}-rows", ['{"id": "a", "input": 1}'])
    solo.push()
    solo.commit()
    for name in ("alpha", "beta"):
        solo.git("rm", "-rq", f"skills/{name}", f"datasets/{name}-rows")
    report = solo.push(archive=["alpha", "beta", "alpha-rows", "beta-rows"], max_removals=2)
    assert report.exit == 0, report
    assert live.version("alpha") == 0
    assert live.datasets() == []
    for _ in range(2):
        assert solo.push().exit == 0
        assert solo.pull().exit == 0
        assert solo.status().is_clean
        solo.commit("archived")


def test_prune_leaves_an_edited_folder_alone(solo: Clone, live: Live) -> None:
    s16_edited_but_archived(solo, live)
    before = solo.files()
    assert solo.pull(prune=True).exit == 4
    assert solo.files() == before


def test_resolve_restores_what_was_deleted_here_and_edited_there(solo: Clone, live: Live) -> None:
    """S14 --remote."""
    s14_deleted_but_edited(solo, live)
    solo.commit()
    assert solo.resolve("alpha", Choice.REMOTE).exit == 0
    assert "FIVE" in solo.read(PATH)
    assert pointer_number(solo) == 2
    assert solo.push().exit == 0
    assert live.version("alpha") == 2
    assert solo.status().is_clean


@pytest.mark.parametrize("commit", [True, False])
def test_resolve_confirms_a_deletion_and_the_archive_still_needs_its_flag(
    solo: Clone, live: Live, *, commit: bool
) -> None:
    """S14 --local: the edit was seen, so the removal is pending; P11 holds."""
    s14_deleted_but_edited(solo, live)
    if commit:
        solo.commit()
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    if commit:
        solo.commit()
    report = solo.push()
    assert [(one.row, one.exit) for one in report.outcomes] == [("S13", 0)]
    assert live.version("alpha") == 2
    assert solo.push(archive=["alpha"]).exit == 0
    assert live.skill("alpha") == {}
    assert solo.pull().exit == 0
    assert not (solo.path / PATH).exists()


@pytest.mark.parametrize("commit", [True, False])
def test_resolve_recreates_an_edited_skill_that_was_archived(
    solo: Clone, live: Live, *, commit: bool
) -> None:
    """S16 --local: a new incarnation, with or without a commit in between."""
    s16_edited_but_archived(solo, live)
    solo.commit()
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    if commit:
        solo.commit()
    report = solo.push()
    assert report.exit == 0, report
    assert "ONE, locally" in live.skill("alpha")["body"]
    assert live.version("alpha") == 1
    assert solo.status().is_clean


def test_resolve_gives_an_edited_skill_up_that_was_archived(solo: Clone, live: Live) -> None:
    """S16 --remote."""
    s16_edited_but_archived(solo, live)
    assert solo.resolve("alpha", Choice.REMOTE).exit == 0
    assert not (solo.path / PATH).exists()
    assert solo.push().exit == 0
    assert live.skill("alpha") == {}


def test_a_recreated_skill_is_taken_on_with_adopt(solo: Clone, live: Live) -> None:
    """S19: refused by both until a person says which text counts."""
    from skillsync.sync.adopt import Way

    s19_recreated_different(solo, live)
    assert solo.adopt("alpha", Way.LOCAL).exit == 0
    assert solo.push().exit == 0
    assert live.skill("alpha")["body"] == BODY.strip()
    assert live.version("alpha") == 2


def test_a_copy_is_published_as_its_own_skill(solo: Clone, live: Live) -> None:
    """S23: the folder whose name is the remote's keeps the pointer."""
    s23_copy(solo, live)
    solo.push()
    assert live.version("alpha") == 1
    assert live.version("beta") == 1
    first = {name: live.skill(name)["first_version_created_at"] for name in ("alpha", "beta")}
    assert first["beta"] in solo.read("skills/beta/.skillsync")
    assert first["alpha"] in solo.read(POINTER)
    assert first["alpha"] not in solo.read("skills/beta/.skillsync")


def test_near_the_version_limit_push_warns(solo: Clone, live: Live) -> None:
    s27_near_the_limit(solo, live)
    report = solo.push()
    assert any("1900 of 2,000 versions" in note for note in report.notes)
