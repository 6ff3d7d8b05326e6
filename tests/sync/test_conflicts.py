"""How a merge of a skill ends: clean lines written alone, or a conflict that git shows and nothing gets past."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from skillsync.errors import UsageError
from skillsync.repo.rescue import Rescue
from skillsync.sync.adopt import Way
from skillsync.sync.resolve import Choice
from tests.sync.harness import Clone, Live, first_push, outcome

BOTH_DIALECTS = True

PATH = "skills/alpha/SKILL.md"
POINTER = "skills/alpha/.skillsync"
BODY = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n"


def publish(clone: Clone, body: str = BODY, *, more: str = "") -> str:
    """Alpha, published and committed; returns the commit."""
    clone.skill("alpha", body, more=more)
    first_push(clone)
    return clone.head()


def diverge(clone: Clone, live: Live, *, clean: bool = True) -> None:
    """The same line edited on both sides, and with ``clean`` another one remotely."""
    publish(clone)
    live.edit_body("alpha", "three", "THREE remotely")
    if clean:
        live.edit_body("alpha", "five", "FIVE remotely")
    clone.replace(PATH, "three\n", "THREE locally\n")
    clone.commit("local edit")


def unmerged(clone: Clone) -> dict[str, dict[str, str]]:
    """Path to stage to content."""
    found: dict[str, dict[str, str]] = {}
    for line in clone.git("ls-files", "-u").splitlines():
        facts, path = line.split("\t")
        _, blob, stage = facts.split()
        found.setdefault(path, {})[stage] = clone.git("cat-file", "-p", blob)
    return found


def pointer_number(clone: Clone) -> int:
    return int(clone.read(POINTER).split()[1].removeprefix("v"))


# ---------------------------------------------------------------- clean merges


def test_a_clean_merge_keeps_line_ends_mark_and_edges(solo: Clone, live: Live) -> None:
    """Only the remote's line changes: BOM, CRLF and the blank lines around the body stay (sync.md 6)."""
    text = f"\ufeff---\nname: alpha\ndescription: Does alpha.\n---\n\n\n{BODY}\n\n"
    solo.write(PATH, text.replace("\n", "\r\n"))
    solo.push()
    solo.commit()
    live.edit_body("alpha", "five", "FIVE")
    solo.replace(PATH, "one\r\n", "ONE\r\n")
    assert solo.pull().exit == 0
    expected = text.replace("one\n", "ONE\n").replace("five\n", "FIVE\n")
    assert solo.read(PATH) == expected.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("key", "start", "remote", "local"),
    [
        ("description", "", {"description": "Remote words."}, ("one\n", "ONE\n")),
        ("license", "license: MIT\n", {"license": "Apache-2.0"}, ("one\n", "ONE\n")),
        ("compatibility", "compatibility: any\n", {"compatibility": "v2"}, ("one\n", "ONE\n")),
        ("allowed-tools", "allowed-tools: Read Grep\n", {"allowed_tools": ["Bash"]}, ("one\n", "ONE\n")),
        (
            "metadata.owner",
            "metadata:\n  owner: ana  # who\n  team: x\n",
            {"metadata": {"owner": "bo", "team": "x"}},
            ("  team: x\n", "  team: y\n"),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_key_merges_with_an_edit_elsewhere(
    solo: Clone,
    live: Live,
    key: str,
    start: str,
    remote: dict[str, Any],
    local: tuple[str, str],
) -> None:
    publish(solo, more=f"# a comment\n{start}")
    live.edit("alpha", **remote)
    solo.replace(PATH, *local)
    before = solo.read(PATH).splitlines()
    report = solo.pull()
    assert report.exit == 0, report
    assert key in outcome(report, "alpha").did
    after = solo.read(PATH).splitlines()
    assert len(after) == len(before)
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1
    assert "# a comment" in after
    assert solo.push().exit == 0
    assert solo.status().is_clean


def test_metadata_keys_added_on_each_side_both_stay(solo: Clone, live: Live) -> None:
    publish(solo, more="metadata:\n  owner: ana\n")
    live.edit("alpha", metadata={"owner": "ana", "theirs": "1"})
    solo.replace(PATH, "  owner: ana\n", "  owner: ana\n  ours: '2'\n")
    assert solo.pull().exit == 0
    solo.push()
    stored = live.skill("alpha")["metadata"]
    assert {key: stored[key] for key in ("owner", "theirs", "ours")} == {
        "owner": "ana",
        "theirs": "1",
        "ours": "2",
    }


def test_a_merged_tree_publishes_both_edits_as_one_version(solo: Clone, live: Live) -> None:
    publish(solo)
    live.edit_body("alpha", "five", "FIVE")
    solo.replace(PATH, "one\n", "ONE\n")
    solo.pull()
    assert solo.push().exit == 0
    assert live.version("alpha") == 3
    body = live.skill("alpha")["body"]
    assert "ONE" in body
    assert "FIVE" in body


# ---------------------------------------------------------------- how a conflict is shown


def test_a_conflict_is_shown_the_way_git_shows_one(solo: Clone, live: Live) -> None:
    """Three stages, marked text with diff3 labels, the clean part merged on every stage (sync.md 8)."""
    diverge(solo, live)
    head = solo.git("rev-parse", "HEAD")
    report = solo.pull()
    assert report.exit == 4
    one = outcome(report, "alpha")
    assert one.code == "E-CONFLICT"
    assert [conflict.unit for conflict in one.conflicts] == ["body"]
    text = solo.read(PATH)
    assert f"<<<<<<< local (main@{head[:7]})\nTHREE locally\n" in text
    assert "||||||| base (v1)\nthree\n=======\nTHREE remotely\n>>>>>>> remote v3 by web" in text
    assert text.count("FIVE remotely") == 1
    stages = unmerged(solo)
    assert list(stages) == [PATH]
    assert ["three\n" in stages[PATH]["1"], "THREE locally" in stages[PATH]["2"]] == [True, True]
    assert "THREE remotely" in stages[PATH]["3"]
    assert all("FIVE remotely" in stage for stage in stages[PATH].values())
    assert "both modified" in solo.git("status")
    assert pointer_number(solo) == 1


def test_git_refuses_to_commit_an_open_conflict(solo: Clone, live: Live) -> None:
    diverge(solo, live)
    solo.pull()
    done = subprocess.run(["git", "commit", "-m", "x"], cwd=solo.path, capture_output=True)
    assert done.returncode != 0


def test_push_refuses_while_markers_are_in(solo: Clone, live: Live) -> None:
    """Also after `git commit -a`, which accepts markers like in any merge."""
    diverge(solo, live)
    solo.pull()
    report = solo.push()
    assert report.exit != 0
    assert outcome(report, "alpha").code == "E-MARKERS"
    solo.git("commit", "-q", "-a", "-m", "with markers")
    report = solo.push()
    assert report.exit != 0
    assert outcome(report, "alpha").code == "E-MARKERS"
    assert live.version("alpha") == 3


def test_push_and_pull_wait_while_the_conflict_is_open(solo: Clone, live: Live) -> None:
    """The markers are gone but nobody said that this is the result."""
    diverge(solo, live)
    solo.pull()
    solo.write(PATH, solo.git("show", f":2:{PATH}") + "\n")
    before = solo.files()
    for run in (solo.push, solo.pull):
        report = run()
        assert (report.exit, outcome(report, "alpha").code) == (4, "E-CONFLICT")
    assert solo.files() == before
    assert live.version("alpha") == 3


@pytest.mark.parametrize("way", [None, *Way])
def test_adopt_settles_no_conflict(solo: Clone, live: Live, way: Way | None) -> None:
    diverge(solo, live)
    solo.pull()
    before = solo.files()
    with pytest.raises(UsageError):
        solo.adopt("alpha", way)
    assert solo.files() == before
    assert solo.push().exit == 4


def test_other_skills_go_on_beside_a_conflict(solo: Clone, live: Live) -> None:
    solo.skill("other")
    diverge(solo, live)
    solo.pull()
    solo.replace("skills/other/SKILL.md", "Step one.", "Step 1.")
    report = solo.push()
    assert outcome(report, "other").did == "published v2"
    live.edit_body("other", "Step two.", "Step 2.")
    solo.pull()
    assert "Step 2." in solo.read("skills/other/SKILL.md")


def test_conflicts_lists_what_is_open(solo: Clone, live: Live) -> None:
    diverge(solo, live)
    solo.pull()
    (one,) = solo.conflicts()
    assert one.subject == "alpha"
    (conflict,) = one.conflicts
    assert "THREE locally" in (conflict.local or "")
    assert "THREE remotely" in (conflict.remote or "")
    assert "three" in (conflict.base or "")


# ---------------------------------------------------------------- settling it with git


@pytest.mark.parametrize(("side", "word"), [("--ours", "locally"), ("--theirs", "remotely")])
def test_git_checkout_of_a_side_and_add_count_as_resolved(
    solo: Clone, live: Live, side: str, word: str
) -> None:
    """At the next push; the other side's clean edit is in either way."""
    diverge(solo, live)
    solo.pull()
    solo.git("checkout", side, PATH)
    solo.git("add", PATH)
    assert f"THREE {word}" in solo.read(PATH)
    assert "FIVE remotely" in solo.read(PATH)
    assert solo.push().exit == 0
    body = live.skill("alpha")["body"]
    assert f"THREE {word}" in body
    assert "FIVE remotely" in body
    assert solo.status().is_clean


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("command", ["push", "pull"])
def test_an_edited_file_that_was_added_is_resolved(
    solo: Clone, live: Live, command: str, *, commit: bool
) -> None:
    diverge(solo, live)
    solo.pull()
    solo.skill("alpha", BODY.replace("three", "THREE of both").replace("five", "FIVE remotely"))
    solo.git("add", PATH)
    if commit:
        solo.git("commit", "-q", "-m", "resolved")
    report = getattr(solo, command)()
    assert report.exit == 0, report
    assert pointer_number(solo) == (4 if command == "push" else 3)
    solo.push()
    assert "THREE of both" in live.skill("alpha")["body"]


def test_markers_that_were_added_are_not_resolved(solo: Clone, live: Live) -> None:
    diverge(solo, live)
    solo.pull()
    solo.git("add", PATH)
    assert solo.push().exit != 0
    assert solo.pull().exit == 4
    assert pointer_number(solo) == 1
    assert live.version("alpha") == 3


@pytest.mark.parametrize("way", ["reset", "switch", "checkout"])
@pytest.mark.parametrize("clean", [True, False])
def test_a_conflict_that_was_thrown_away_with_git_takes_nothing_in(
    solo: Clone, live: Live, way: str, *, clean: bool
) -> None:
    """The stages are gone and the old text is back: publishing that would undo the remote's edit."""
    diverge(solo, live, clean=clean)
    solo.git("branch", "elsewhere")
    solo.pull()
    match way:
        case "reset":
            solo.git("reset", "-q", "--hard")
        case "switch":
            solo.git("switch", "-q", "--discard-changes", "elsewhere")
        case _:
            solo.git("checkout", "-q", "-f", "HEAD")
    report = solo.push()
    assert report.exit == 3, report
    assert outcome(report, "alpha").code == "E-REMOTE-AHEAD"
    assert live.version("alpha") == (3 if clean else 2)
    assert pointer_number(solo) == 1
    again = solo.pull()
    assert again.exit == 4
    assert "THREE remotely" in solo.read(PATH)


# ---------------------------------------------------------------- what must survive


@pytest.mark.parametrize("stages", [True, False])
def test_deleting_our_state_during_a_conflict_loses_nothing(
    solo: Clone, live: Live, *, stages: bool
) -> None:
    """P7: the base did not move, so the conflict comes back; nothing is published meanwhile."""
    diverge(solo, live)
    solo.pull()
    shutil.rmtree(solo.path / ".git/skillsync")
    if not stages:
        solo.git("reset", "-q")
    assert solo.push().exit != 0
    assert live.version("alpha") == 3
    assert solo.pull().exit != 0
    assert "THREE locally" in solo.read(PATH)
    solo.skill("alpha", BODY.replace("three", "THREE of both"))
    solo.git("add", PATH)
    report = solo.push()
    assert report.exit == 3, report
    assert solo.pull().exit == 4
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    assert solo.push().exit == 0
    body = live.skill("alpha")["body"]
    assert "THREE of both" in body
    assert "FIVE remotely" in body


def test_what_a_conflict_overwrote_can_be_printed_again(solo: Clone, live: Live) -> None:
    """P10, for an edit that was never committed."""
    publish(solo)
    live.edit_body("alpha", "three", "THREE remotely")
    solo.replace(PATH, "three\n", "THREE locally, uncommitted\n")
    before = solo.read(PATH).encode()
    assert solo.pull().exit == 4
    rescue = Rescue(solo.workspace.repo)
    assert before in [
        rescue.show(copy.id, file.path) for copy in rescue.list() for file in rescue.files(copy.id)
    ]


def test_a_merge_of_the_users_own_is_left_alone(solo: Clone, live: Live) -> None:
    """14.6 #139: unmerged entries that are not ours are neither replaced nor published."""
    publish(solo)
    solo.skill("other")
    solo.git("switch", "-q", "-c", "side")
    solo.replace(PATH, "one\n", "ONE on the side\n")
    solo.commit()
    solo.git("switch", "-q", "main")
    solo.replace(PATH, "one\n", "ONE on main\n")
    solo.commit()
    solo.git("merge", "side", check=False)
    live.edit_body("alpha", "five", "FIVE")
    stages, text = unmerged(solo), solo.read(PATH)
    assert stages
    for run in (solo.push, solo.pull):
        report = run()
        one = outcome(report, "alpha")
        assert one.exit == 1, one
        assert "unmerged" in one.message
        assert one.fix
    assert live.version("other") == 1
    assert live.version("alpha") == 2
    assert unmerged(solo) == stages
    assert solo.read(PATH) == text


def test_the_remote_moving_on_during_a_conflict_is_merged_afterwards(
    solo: Clone, live: Live
) -> None:
    """P6: the pointer names the version that was shown, not the newest."""
    diverge(solo, live)
    solo.pull()
    live.edit_body("alpha", "one", "ONE remotely")
    assert solo.pull().exit == 4
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    assert pointer_number(solo) == 3
    assert solo.push().exit == 3
    assert solo.pull().exit == 0
    text = solo.read(PATH)
    assert all(word in text for word in ("ONE remotely", "THREE locally", "FIVE remotely"))
    assert solo.push().exit == 0
    assert live.version("alpha") == 5


# ---------------------------------------------------------------- frontmatter


def test_a_conflict_of_keys_marks_exactly_their_lines(solo: Clone, live: Live) -> None:
    """A folded description, and a key whose lines also end another key's lines."""
    folded = "description: >-\n  Does alpha,\n  and more.\n"
    solo.write(
        PATH, f"---\nname: alpha\nallowed-tools: Read\ntools: Read\n{folded}# note\n---\n\n{BODY}"
    )
    solo.push()
    solo.commit()
    carry = live.skill("alpha")["metadata"]
    live.edit(
        "alpha",
        description="Remote words.",
        metadata={"skillsync": carry["skillsync"].replace('"Read"', '"Bash"')},
    )
    solo.replace(PATH, "and more.", "and less.")
    solo.replace(PATH, "\ntools: Read", "\ntools: Grep")
    report = solo.pull()
    units = [conflict.unit for conflict in outcome(report, "alpha").conflicts]
    assert sorted(units) == ["description", "tools"]
    lines = solo.read(PATH).splitlines()
    shown = [line.partition(" ")[0] if line[:1] in "<|>" else line for line in lines]
    assert shown[:3] == ["---", "name: alpha", "allowed-tools: Read"]
    assert shown[3:10] == [
        "<<<<<<<", "tools: Grep", "|||||||", "tools: Read", "=======", "tools: Bash", ">>>>>>>",
    ]  # fmt: skip
    assert shown[10:14] == ["<<<<<<<", "description: >-", "  Does alpha,", "  and less."]
    assert "# note" in lines
    stages = unmerged(solo)[PATH]
    assert "Remote words." in stages["3"]
    assert "tools: Bash" in stages["3"]
    solo.git("checkout", "--theirs", PATH)
    solo.git("add", PATH)
    assert solo.pull().exit == 0
    assert solo.push().exit == 0
    assert live.version("alpha") == 2
    assert solo.status().is_clean


def test_a_key_added_on_both_sides_is_marked_at_the_end(solo: Clone, live: Live) -> None:
    publish(solo)
    live.edit("alpha", license="Apache-2.0")
    solo.replace(PATH, "description:", "license: MIT\ndescription:")
    assert solo.pull().exit == 4
    assert "license: MIT\n|||||||" in solo.read(PATH)
    solo.resolve("alpha", Choice.REMOTE)
    assert "license: Apache-2.0\n" in solo.read(PATH)
    assert solo.status().is_clean


def test_marked_files_are_edited_where_they_lie(solo: Clone, live: Live) -> None:
    diverge(solo, live, clean=False)
    assert solo.pull().exit == 4
    text = solo.read(PATH)
    with pytest.raises(UsageError, match="not edited here, but where they lie") as caught:
        solo.resolve("alpha", Choice.EDIT)
    assert caught.value.hint == f"edit {PATH}, then skillsync resolve alpha"
    assert solo.read(PATH) == text


def test_a_key_removed_here_and_edited_there(solo: Clone, live: Live) -> None:
    publish(solo, more="license: MIT\n")
    live.edit("alpha", license="Apache-2.0")
    solo.replace(PATH, "license: MIT\n", "")
    assert solo.pull().exit == 4
    text = solo.read(PATH)
    assert (
        "||||||| base (v1)\nlicense: MIT\n=======\nlicense: Apache-2.0\n>>>>>>> remote v2" in text
    )
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    assert "license" not in solo.read(PATH)
    assert solo.push().exit == 0
    assert live.skill("alpha")["license"] == ""


def test_a_conflict_in_keys_and_body_of_a_crlf_file(solo: Clone, live: Live) -> None:
    solo.write(
        PATH,
        f"---\nname: alpha\ndescription: Old.\n---\n\n{BODY}".replace("\n", "\r\n"),
    )
    solo.push()
    solo.commit()
    live.edit_body("alpha", "three", "THREE remotely")
    live.edit("alpha", description="Remote.")
    solo.replace(PATH, "three\r\n", "THREE locally\r\n")
    solo.replace(PATH, "Old.", "Local.")
    assert solo.pull().exit == 4
    text = solo.read(PATH)
    assert "\n" not in text.replace("\r\n", "")
    assert text.count("<<<<<<< local") == 2
    assert solo.resolve("alpha", Choice.REMOTE).exit == 0
    assert "\n" not in solo.read(PATH).replace("\r\n", "")
    assert solo.status().is_clean


def test_texts_with_markers_raise_the_size_of_ours(solo: Clone, live: Live) -> None:
    """14.6 #51: plain markers in the text, an underline of seven, and a conflict in a key beside the body's."""
    body = "<<<<<<< HEAD\n\nTitle\n=======\n\nthree\n\n>>>>>>> branch\n"
    publish(solo, body)
    live.edit_body("alpha", "three", "THREE remotely")
    live.edit("alpha", description="Remote.")
    solo.replace(PATH, "three\n", "THREE locally\n")
    solo.replace(PATH, "Does alpha.", "Local.")
    assert solo.pull().exit == 4
    assert solo.read(PATH).count("<<<<<<<< local") == 2
    assert solo.resolve("alpha", Choice.LOCAL).exit == 0
    text = solo.read(PATH)
    assert text.endswith(body.replace("three", "THREE locally"))
    assert "description: Local." in text
    assert solo.push().exit == 0


def test_our_own_marker_token_in_the_remote_text_is_never_taken_for_a_conflict(
    solo: Clone, live: Live
) -> None:
    """14.6 #51: such a text is refused by push until the line is changed; nothing is cut out of it."""
    publish(solo)
    token = "<<<<<<< local (main@1234567)"
    live.edit_body("alpha", "one", f"{token}\none")
    live.edit_body("alpha", "three", "THREE remotely")
    solo.replace(PATH, "three\n", "THREE locally\n")
    solo.pull()
    solo.git("checkout", "--ours", PATH)
    assert token in solo.read(PATH)
    assert "THREE locally" in solo.read(PATH)
    solo.git("add", PATH)
    assert outcome(solo.push(), "alpha").code == "E-MARKERS"
    solo.replace(PATH, token, f"    {token}")
    solo.git("add", PATH)
    assert solo.push().exit == 0
    assert "THREE locally" in live.skill("alpha")["body"]
