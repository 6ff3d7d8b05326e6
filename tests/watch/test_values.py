"""Tables of the daemon's small decisions: editors' files, saves that undo, polls, budgets, units, lines of the log."""

from __future__ import annotations

import json
import plistlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.repo.worktree import StatEntry
from skillsync.sync.narrow import Changes
from skillsync.watch.control import install, uninstall, verify
from skillsync.watch.editors import is_passing, open_in_editor
from skillsync.watch.events import is_silent
from skillsync.watch.pace import least_interval, next_poll
from skillsync.watch.settle import in_hand, versions_left
from skillsync.watch.stale import is_undone, taken_in
from skillsync.watch.state import Sides
from skillsync.watch.told import json_line, notify_command, text_line
from skillsync.watch.units import make_unit, systemd_word, unit_name
from skillsync.watch.values import Level, Lists, Notice, ObjectSeen, Options

# ---------------------------------------------------------------- editors


@pytest.mark.parametrize(
    "path",
    [
        *(
            "4913",
            "a/4913",
            ".SKILL.md.swp",
            "SKILL.md~",
            "references/.#one.md",
            "one.md___jb_tmp___",
        ),
        *("one.md___jb_old___", ".~lock.one.md#", "one.tmp", ".skillsync-tmp-1a", "#SKILL.md#"),
    ],
)
def test_files_of_a_moment_are_known(path: str) -> None:
    assert is_passing(path)


@pytest.mark.parametrize(
    "path", ["SKILL.md", "tmp/one.md", "4913/one.md", "a~b.md", ".skillsync", "swp"]
)
def test_ordinary_files_are_not_files_of_a_moment(path: str) -> None:
    assert not is_passing(path)


def test_an_editor_is_seen_by_the_file_beside_the_text() -> None:
    names = [
        *("SKILL.md", ".SKILL.md.swp", "one.md", ".#one.md", "two.md", "#two.md#", "t.csv"),
        *(".~lock.t.csv#", ".gone.md.swp", ".#gone.md", "notes.swp"),
    ]
    assert open_in_editor(names) == ("#two.md#", ".#one.md", ".SKILL.md.swp", ".~lock.t.csv#")
    assert open_in_editor(["SKILL.md", ".SKILL.md.swo"]) == (".SKILL.md.swo",)
    assert open_in_editor(["SKILL.md", "SKILL.md~"]) == ()


def seen(changed_at: float, *, editor: str = "") -> ObjectSeen:
    at = int(changed_at * 1_000_000_000)
    opened = (editor,) if editor else ()
    return ObjectSeen("skills/a", (StatEntry("SKILL.md", at, at, 1, 1, 0o100644),), open_in=opened)


@pytest.mark.parametrize(
    ("changed_at", "is_held"),
    [(940.0, False), (941.0, True), (1_000.0, True), (1_059.0, True), (90_000.0, False)],
)
def test_a_file_is_in_hand_for_a_minute_and_not_for_a_clock_gone_wrong(
    changed_at: float, is_held: bool
) -> None:
    assert bool(in_hand(seen(changed_at), Options(), 1_000.0)) == is_held
    assert in_hand(seen(changed_at, editor=".SKILL.md.swp"), Options(), 1_000.0)


# ---------------------------------------------------------------- saves that undo a pull


@pytest.mark.parametrize(
    ("before", "after", "now", "expected"),
    [
        pytest.param("a\nb\n", "a\nB\n", "a\nb\n", True, id="the old text is back"),
        pytest.param("a\nb\n", "a\nB\n", "a\nb\nmine\n", True, id="with an edit on top"),
        pytest.param("a\nb\n", "a\nB\n", "a\nB\nmine\n", False, id="an ordinary edit"),
        pytest.param("a\n", "a\nnew\n", "a\nmine\n", True, id="all that was added is gone"),
        pytest.param("a\nb\nc\n", "a\nc\n", "a\nc\nb\n", True, id="all that was removed is back"),
        pytest.param("a\n", "a\nx\ny\n", "a\nx\n", False, id="only a part of it is gone"),
        pytest.param("a\n\n\nb\n", "a\nb\n", "a\n\n\nb\n", False, id="blank lines say nothing"),
        pytest.param(
            "x\na\nx\n", "x\na\n", "x\na\n", False, id="one of two equal lines is not back"
        ),
        pytest.param("x\na\nx\n", "x\na\n", "x\na\nx\n", True, id="both are back"),
        pytest.param("a\n", "a \n", "a\n", False, id="spaces at the end say nothing"),
        pytest.param("a\nb\n", "a\nB\n", None, True, id="the file is gone"),
    ],
)
def test_a_save_that_undoes_a_pull_is_told_by_its_lines(
    before: str, after: str, now: str | None, expected: bool
) -> None:
    pulled = taken_in("skills/a", "SKILL.md", "v2", before=before.encode(), after=after.encode())
    assert is_undone(pulled, None if now is None else now.encode()) == expected


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d"]), max_size=6).map(
    lambda lines: "\n".join(lines).encode()
)


@given(before=LINES, after=LINES)
def test_what_a_pull_leaves_never_undoes_it_and_what_was_before_always_does(
    before: bytes, after: bytes
) -> None:
    pulled = taken_in("d", "f", "v2", before=before, after=after)
    assert not is_undone(pulled, after)
    assert is_undone(pulled, before) == bool(pulled.removed or pulled.added)


# ---------------------------------------------------------------- what changed since a pull

STAMPS = (seen(1.0).files, ()), (seen(2.0).files, ())
THEN = Sides(
    Lists({"a": "v1", "b": "v1"}, "rest"), ("head", "main"), {"s/a": STAMPS[0], "s/b": STAMPS[0]}
)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(THEN, Changes(), id="nothing"),
        pytest.param(
            replace(THEN, lists=Lists({"a": "v2", "b": "v1", "c": "v1"}, "rest")),
            Changes(names=frozenset({"a", "c"})),
            id="a version, and a skill that is new",
        ),
        pytest.param(
            replace(THEN, folders={"s/a": STAMPS[1], "s/b": STAMPS[0], "s/c": STAMPS[0]}),
            Changes(dirs=frozenset({"s/a", "s/c"})),
            id="a file, and a folder that is new",
        ),
        pytest.param(replace(THEN, lists=Lists({"a": "v1"}, "rest")), None, id="a skill less"),
        pytest.param(replace(THEN, folders={"s/a": STAMPS[0]}), None, id="a folder less"),
        pytest.param(replace(THEN, place=("other", "main")), None, id="a commit"),
        pytest.param(replace(THEN, place=("head", "topic")), None, id="a branch"),
        pytest.param(replace(THEN, lists=Lists(THEN.lists.skills, "other")), None, id="a dataset"),
        pytest.param(
            replace(
                THEN, lists=Lists({**THEN.lists.skills, **{f"{n}": "" for n in range(51)}}, "rest")
            ),
            None,
            id="many",
        ),
    ],
)
def test_what_changed_since_a_pull_is_known_or_it_is_everything(
    now: Sides, expected: Changes | None
) -> None:
    assert now.changes_since(THEN) == expected


# ---------------------------------------------------------------- polls and budgets


def test_polls_keep_to_a_tenth_of_the_rate_budget() -> None:
    assert least_interval(2, is_local=False) == 30.0
    assert least_interval(40, is_local=False) == 300.0
    assert least_interval(40, is_local=True) == 0.0


@given(
    chance=st.floats(0, 1, exclude_max=True),
    failures=st.integers(0, 50),
    least=st.sampled_from([0.0, 30.0, 300.0]),
)
def test_a_pause_is_never_longer_than_ten_minutes_nor_shorter_than_the_budget(
    chance: float, failures: int, least: float
) -> None:
    options = Options(poll=60.0)
    pause = next_poll(options, failures=failures, least=least, chance=chance)
    assert 4.5 <= pause <= 600.0
    if not failures:
        assert pause <= max(60.0, least)
        assert pause >= min(54.0, 60.0) if least <= 54 else pause >= least


def test_the_last_versions_are_for_publishes_by_hand() -> None:
    assert versions_left(1_899) == ""
    assert "1,900 of 2,000" in versions_left(1_900)


# ---------------------------------------------------------------- file systems without events

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb1 /home/me/disk ext4 rw 0 0
C:\\134 /mnt/c 9p rw 0 0
host /with\\040space fuse.sshfs rw 0 0
tmpfs /home2 tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "silent"),
    [
        *(("/work", False), ("/home/me/clone", True), ("/home/me/disk/clone", False)),
        *(("/mnt/c/clone", True), ("/with space/clone", True), ("/home2/x", False)),
    ],
)
def test_file_systems_without_events_are_known_by_their_mount(path: str, silent: bool) -> None:
    assert is_silent(MOUNTS, path) == silent


# ---------------------------------------------------------------- the log and the desktop

PERSON = Notice(
    Level.PERSON, "pull", "alpha", "conflict with v2", "E-CONFLICT", "skillsync pull alpha"
)


def test_a_line_of_the_log_is_for_people_or_for_programs() -> None:
    line = text_line(PERSON, 1_785_585_600.0)
    assert line.endswith(
        "needs you: alpha: conflict with v2  [E-CONFLICT]  next: skillsync pull alpha"
    )
    assert line.startswith("2026-08-01 12:00:00Z  ")
    assert json.loads(json_line(PERSON, 1_785_585_600.25)) == {
        "time": "2026-08-01T12:00:00.250Z",
        "level": "person",
        "kind": "pull",
        "subject": "alpha",
        "message": "conflict with v2",
        "code": "E-CONFLICT",
        "next": "skillsync pull alpha",
    }


def test_a_notification_is_the_platforms_own_and_foreign_text_is_an_argument() -> None:
    hostile = Notice(Level.PERSON, "pull", '"; rm -rf', "--icon=x $(ls)", "", "")

    def which(name: str) -> str:
        return f"/usr/bin/{name}"

    linux = notify_command(hostile, platform="linux", environ={"DISPLAY": ":0"}, which=which)
    assert linux == (
        "/usr/bin/notify-send",
        "--app-name=skillsync",
        "--",
        'skillsync: "; rm -rf',
        "--icon=x $(ls)",
    )
    assert notify_command(hostile, platform="linux", environ={}, which=which) is None
    mac = notify_command(hostile, platform="darwin", environ={}, which=which)
    assert mac is not None
    assert mac[0] == "/usr/bin/osascript"
    assert [*mac[-2:]] == ['skillsync: "; rm -rf', "--icon=x $(ls)"]
    assert not any("rm -rf" in word for word in mac[:-2])
    none = notify_command(hostile, platform="darwin", environ={}, which=lambda _: None)
    assert none is None


# ---------------------------------------------------------------- units

COMMAND = [
    "/usr/bin/python3",
    "-m",
    "skillsync",
    "-C",
    "/home/me/my 100% $work",
    "watch",
    "--publish",
]


def test_words_of_a_systemd_command_are_quoted_and_nothing_is_expanded() -> None:
    assert systemd_word('a "b" 100% $x \\') == '"a \\"b\\" 100%% $$x \\\\"'


def test_two_clones_of_one_name_are_two_daemons() -> None:
    assert unit_name(Path("/a/work")) != unit_name(Path("/b/work"))
    assert unit_name(Path("/a/мой clone!")).startswith("skillsync-watch-clone-")


def test_a_launchd_agent_runs_the_command_and_comes_back_after_a_failure(tmp_path: Path) -> None:
    unit = make_unit(
        platform="darwin", root=Path("/w/agents"), command=COMMAND, home=tmp_path, environ={}
    )
    agent = plistlib.loads(unit.text)
    assert agent["ProgramArguments"] == COMMAND
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["Label"] == unit.path.stem == unit_name(Path("/w/agents"))
    assert unit.path.parent == tmp_path / "Library/LaunchAgents"


def test_a_systemd_unit_is_installed_and_removed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    root = tmp_path / "my 100% $work"
    root.mkdir()
    command = ["/bin/echo", *COMMAND[1:]]
    unit = make_unit(platform="linux", root=root, command=command, home=home, environ={})
    assert install(unit) == "", "systemd-analyze accepts it, where it is there"
    text = unit.path.read_text()
    assert "WantedBy=default.target" in text
    assert '"--publish"' in text
    assert "my 100%% $$work" in text
    assert uninstall(unit)
    assert not uninstall(unit)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_reads_the_command_back_as_it_was_meant(tmp_path: Path) -> None:
    unit = make_unit(
        platform="linux",
        root=tmp_path,
        command=["/bin/echo", *COMMAND[1:]],
        home=tmp_path,
        environ={},
    )
    unit.path.parent.mkdir(parents=True)
    unit.path.write_bytes(unit.text)
    assert verify(unit) == ""
    unit.path.write_bytes(unit.text.replace(b"ExecStart=", b"ExecStart=/no/such/program "))
    assert "/no/such/program" in verify(unit)


def test_xdg_says_where_units_are(tmp_path: Path) -> None:
    unit = make_unit(
        platform="linux",
        root=Path("/w"),
        command=COMMAND,
        home=Path("/home/me"),
        environ={"XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert unit.path.parent == tmp_path / "systemd/user"
