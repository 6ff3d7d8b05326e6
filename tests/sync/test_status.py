"""Status: what differs, in words, from both sides; it reads, and its cache changes no answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from skillsync.cli.boundary import Run
from skillsync.cli.render import Output
from skillsync.cli.status_view import print_status
from skillsync.core.reconcile_skill import SkillState
from skillsync.errors import UsageError
from skillsync.sync.describe import SKILL_STATES
from skillsync.sync.diff import diff
from skillsync.sync.facts import local_facts
from skillsync.sync.plan import make_plan
from skillsync.sync.status import Status
from tests.sync.dialects import current_only, seed_only
from tests.sync.harness import Clone, Live, first_push

BOTH_DIALECTS = True

ROW = '{"id": "q1", "input": "1+1?", "expected_output": "2"}'


def words(found: Status) -> dict[str, str]:
    """What status says about each object."""
    return {line.subject: line.did for line in found.lines}


def cache_of(clone: Clone) -> Path:
    return clone.path / ".git/skillsync/cache.sqlite"


def published(clone: Clone) -> Clone:
    """Two skills and a dataset, in sync and committed."""
    clone.skill("alpha")
    clone.skill("beta")
    clone.dataset("sums", [ROW])
    first_push(clone, "pointers")
    return clone


# ---------------------------------------------------------------- offline


def test_offline_says_new_changed_deleted_and_invalid(solo: Clone) -> None:
    published(solo)
    clean = solo.status(offline=True)
    assert clean.is_clean
    assert (clean.in_sync, clean.rows, clean.notes) == (3, 1, [])
    solo.skill("gamma")
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    solo.git("rm", "-rq", "skills/beta")
    solo.skill("delta", more="license: [unclosed\n")
    solo.replace("datasets/sums/items.jsonl", "1+1?", "1 + 1 = ?")
    found = solo.status(offline=True)
    assert words(found) == {
        "alpha": "changed here since v1",
        "beta": "deleted here since v1, maybe still on the server",
        "delta": "cannot be published: it is not valid",
        "gamma": "new here, not known to be published",
        "sums": "changed here since it was last in sync",
    }
    assert not found.is_clean
    assert all(line.fix for line in found.lines)


def test_a_line_without_id_is_said_offline(solo: Clone) -> None:
    published(solo)
    path = "datasets/sums/items.jsonl"
    solo.write(path, solo.read(path) + '{"input": "2+2?", "expected_output": "4"}\n')
    assert words(solo.status(offline=True))["sums"] == "1 line has no id yet"


def test_a_folder_left_with_its_pointer_alone_is_deleted_not_forgotten(solo: Clone) -> None:
    published(solo)
    (solo.path / "skills/alpha/SKILL.md").unlink()
    assert words(solo.status(offline=True)) == {
        "alpha": "deleted here since v1, maybe still on the server"
    }


def test_two_folders_with_one_name_are_a_problem_and_neither_is_in_sync(solo: Clone) -> None:
    published(solo)
    solo.write("skills/copy/SKILL.md", solo.read("skills/alpha/SKILL.md"))
    found = solo.status(offline=True)
    assert [one.code for one in found.problems] == ["E-SKILL-DUPLICATE"]
    assert not found.is_clean
    assert found.in_sync == 2


def test_a_folder_that_cannot_be_opened_is_not_deleted(
    solo: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(solo)
    assert solo.status(offline=True).is_clean
    real = os.lstat

    def denied(path: str, **options: int) -> os.stat_result:
        if "skills/alpha" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(os, "lstat", denied)
    found = solo.status(offline=True)
    assert "alpha" not in words(found)
    assert {one.code for one in found.problems} == {"E-UNREADABLE"}
    assert not found.is_clean


def test_pointers_that_are_not_committed_are_a_note_and_clean(solo: Clone) -> None:
    solo.skill("alpha")
    solo.skill("beta")
    solo.commit("skills")
    solo.push()
    for offline in (True, False):
        found = solo.status(offline=offline)
        assert found.is_clean
        assert any("pointers of 2 objects are not committed" in note for note in found.notes)
    solo.commit("pointers")
    assert not any("not committed" in note for note in solo.status(offline=True).notes)


def test_pointers_before_the_first_commit(solo: Clone) -> None:
    """An unborn HEAD has no pointers; the tree's count by their stamps."""
    solo.git("update-ref", "-d", "HEAD")
    solo.skill("alpha")
    solo.push()
    found = solo.status(offline=True)
    assert found.is_clean
    assert any("1 object is not committed" in note for note in found.notes)


def test_stash_reset_and_checkout_are_followed(solo: Clone) -> None:
    solo.skill("alpha")
    solo.commit("skill")
    solo.push()
    solo.commit("pointer")
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    solo.push()
    assert solo.status(offline=True).is_clean
    solo.git("stash", "-q")
    assert solo.status(offline=True).is_clean, "v1's files beside v1's pointer"
    solo.git("stash", "pop", "-q")
    assert solo.status(offline=True).is_clean
    pointer = solo.read("skills/alpha/.skillsync")
    solo.git("checkout", "-q", "HEAD", "--", "skills/alpha/SKILL.md")
    found = solo.status(offline=True)
    assert any("never came along" in note for note in found.notes)
    solo.git("reset", "-q", "--hard")
    assert solo.read("skills/alpha/.skillsync") != pointer
    found = solo.status(offline=True)
    assert found.is_clean
    assert found.notes == []


def test_line_ends_of_a_checked_out_pointer_are_no_difference(solo: Clone) -> None:
    published(solo)
    path = solo.path / "skills/alpha/.skillsync"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = solo.status(offline=True)
    assert found.is_clean
    assert found.notes == []


# ---------------------------------------------------------------- the cache


def _remove(path: Path) -> None:
    path.unlink()


def _garble(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)


def _lie(path: Path) -> None:
    """Facts of a shape that this version never wrote."""
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.execute("update folders set facts = '{\"kind\": 7}'")
    connection.close()


@pytest.mark.parametrize("harm", [_remove, _garble, _lie])
def test_a_damaged_cache_changes_no_answer(solo: Clone, harm: Callable[[Path], None]) -> None:
    published(solo)
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    before = solo.status(offline=True)
    assert cache_of(solo).exists()
    harm(cache_of(solo))
    assert solo.status(offline=True) == before
    assert solo.status(offline=True) == before


def test_an_edit_of_the_same_size_right_after_a_look_is_seen(solo: Clone) -> None:
    published(solo)
    for text in ("Step 2..", "Step 3..", "Step 4.."):
        solo.skill("alpha", f"Step one.\n\n{text}\n")
        assert words(solo.status(offline=True)) == {"alpha": "changed here since v1"}
        solo.skill("alpha")
        assert solo.status(offline=True).is_clean


def test_an_option_of_a_dataset_is_no_longer_what_was_remembered(solo: Clone) -> None:
    """Facts depend on skillsync.toml's options too, and no file's stat data shows a change of them."""
    solo.dataset("sums", ['{"input": "1+1?", "expected_output": "2"}'])
    solo.status(offline=True)
    config = solo.read("skillsync.toml")
    solo.write("skillsync.toml", f'{config}\n[dataset.sums]\nkeys = "content"\n')
    kept = local_facts(solo.workspace).objects
    assert [facts.keyless for facts in kept] == [0], "content keys leave no line without a key"


def test_status_writes_nothing_but_its_cache(solo: Clone, live: Live) -> None:
    published(solo)
    live.edit_body("alpha", "Step one.", "Step 1.")
    solo.replace("skills/beta/SKILL.md", "Step two.", "Step 2.")
    git = solo.path / ".git"

    def seen() -> dict[str, bytes]:
        own = {
            str(path.relative_to(git)): path.read_bytes()
            for path in git.rglob("*")
            if path.is_file() and not path.name.startswith("cache.")
        }
        ours = (
            "objects/",
            "refs/skillsync/",
            "skillsync/lists/",
        )  # what is kept of the server (P19)
        own = {name: data for name, data in own.items() if not name.startswith(ours)}
        return own | solo.files()

    before = seen()
    assert solo.requests
    solo.requests.made.clear()
    solo.status()
    solo.status(offline=True)
    assert solo.requests.writes == []
    assert seen() == before


# ---------------------------------------------------------------- online


def test_online_says_how_both_sides_stand(solo: Clone, live: Live) -> None:
    for name in ("ahead", "behind", "both", "gone", "archived", "same"):
        solo.skill(name)
    solo.push()
    solo.commit("pointers")
    live.edit_body("behind", "Step one.", "Step 1.")
    live.edit_body("both", "Step one.", "Step 1.")
    live.archive("archived")
    live.create("elsewhere")
    solo.replace("skills/ahead/SKILL.md", "Step two.", "Step 2.")
    solo.replace("skills/both/SKILL.md", "Step two.", "Step 2.")
    solo.git("rm", "-rq", "skills/gone")
    solo.skill("fresh")
    found = solo.status()
    said = {line.subject: (line.row, line.did) for line in found.lines}
    assert said["ahead"] == ("S8", "changed here")
    assert said["behind"] == ("S7", "changed on the server")
    assert said["both"] == ("S10", "changed on both sides")
    assert said["elsewhere"] == ("S3", "new on the server, not here")
    assert said["fresh"] == ("S2", "new here, not published")
    assert said["gone"][0] == "S13"
    assert "archived" in said
    assert "same" not in said
    assert found.in_sync == 1


def test_online_counts_rows_by_what_happened(solo: Clone, live: Live) -> None:
    rows = [f'{{"id": "q{n}", "input": "{n}", "expected_output": "{n}"}}' for n in range(4)]
    path = solo.dataset("sums", rows)
    solo.push()
    solo.commit("pointers")
    [dataset] = live.datasets()
    live.patch_row(live.row(dataset["id"], "q1")["id"], input="one")
    live.add_row(dataset["id"], input="new", output="new")
    edited = rows[0].replace('"0"', '"zero"')
    solo.write(path, "\n".join([edited, rows[1], rows[2], ""]))
    said = [line.did for line in solo.status().lines]
    assert said == [
        "1 row changed here",
        "1 row removed here, still on the server",
        "1 row new on the server",
        "1 row changed on the server",
    ]


@seed_only("neither publish markers nor row versions")
def test_online_says_which_guarantee_holds(solo: Clone) -> None:
    """P21: this server has neither publish markers nor row versions."""
    found = published(solo).status()
    skills, datasets = found.guarantees
    assert skills.startswith("skills: this server keeps no publish markers")
    assert datasets.startswith("datasets: this server has no row versions")
    assert "no publish markers and no row versions" in found.in_short


def test_what_no_answer_has_shown_is_not_said_of_the_server(solo: Clone) -> None:
    """P21: an empty project shows of no generation that it lacks anything."""
    solo.skill("alpha")
    found = solo.status()
    assert found.in_short == ""
    assert found.servers["skills"].startswith("generation not seen yet")
    assert found.guarantees == [
        "skills: not known yet; the first push shows whether this server keeps publish markers"
    ]


@current_only("publish markers and row versions")
def test_online_says_what_markers_and_row_versions_promise(solo: Clone) -> None:
    found = published(solo).status()
    skills, datasets = found.guarantees
    assert skills.startswith("skills: marked: ")
    assert datasets.startswith("datasets: versioned: ")
    assert found.servers["skills"] == "newer generation, with publish markers"
    assert not found.in_short
    errors = StringIO()
    run = Run(solo.path, Output(stdout=StringIO(), stderr=errors))
    print_status(run, solo.workspace.settings.target(), found, names=(), key="")
    assert errors.getvalue() == ""  # nothing is weaker here, and no empty note says so


# ---------------------------------------------------------------- names


def test_names_and_paths_choose(solo: Clone) -> None:
    published(solo)
    for offline in (True, False):
        assert solo.status("alpha", offline=offline).in_sync == 1
        assert solo.status("skills/alpha/SKILL.md", offline=offline).in_sync == 1
        assert solo.status("skills", offline=offline).in_sync == 2
        assert solo.status("sums", offline=offline).in_sync == 1


def test_a_name_that_is_nothings_is_an_error_everywhere(solo: Clone) -> None:
    published(solo)
    solo.replace("skills/alpha/SKILL.md", "Step two.", "Step 2.")
    assert solo.requests
    solo.requests.made.clear()

    def planned() -> None:
        with solo.connect(solo.target) as remote:
            make_plan(solo.workspace, solo.target, remote, names=["alpha", "aplha"])

    def shown() -> None:
        with solo.connect(solo.target) as remote:
            diff(solo.workspace, solo.target, remote=remote, names=["alpha", "aplha"])

    runs: list[Callable[[], object]] = [
        lambda: solo.status("alpha", "aplha", offline=True),
        lambda: solo.status("alpha", "aplha"),
        lambda: solo.push("alpha", "aplha"),
        lambda: solo.pull("alpha", "skills/aplha"),
        planned,
        shown,
    ]
    for run in runs:
        with pytest.raises(UsageError, match="aplha") as caught:
            run()
        assert caught.value.exit_code == 2
    assert solo.requests.writes == [], "nothing was done for the name that is right either"


def test_a_name_that_only_the_server_has_is_known(solo: Clone, live: Live) -> None:
    published(solo)
    live.create("elsewhere")
    assert list(words(solo.status("elsewhere"))) == ["elsewhere"]
    assert solo.pull("elsewhere").exit == 0


def test_every_state_that_gets_a_line_has_words() -> None:
    silent = {SkillState.IN_SYNC, SkillState.NOTHING, SkillState.BOTH_GONE}
    assert set(SKILL_STATES) == set(SkillState) - silent
