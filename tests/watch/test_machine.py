"""The daemon's machine with a simulated clock and world: tables of single situations, and random schedules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.sync.narrow import Changes
from skillsync.watch.machine import decide
from skillsync.watch.record import needs_person
from skillsync.watch.settle import STOP_AT, WARN_AT
from skillsync.watch.values import (
    Kept,
    Level,
    Look,
    Options,
    Poll,
    Publish,
    Published,
    Pull,
    Pulled,
    Recall,
    Said,
    Stop,
    StopAsked,
    Wait,
)
from tests.watch.simulated import Text, World

PULLING = Options(poll=60.0)
PUBLISHING = Options(publish=True, poll=60.0)
EAGER = replace(PUBLISHING, gap=0.0, daily=None)
A, B = "skills/a", "skills/b"


def lines(*words: str, title: str = "title") -> Text:
    return Text(title, frozenset(words))


def synced(options: Options, *dirs: str) -> World:
    """A world in which everything was published long ago, with a daemon that has looked around."""
    world = World(options)
    for directory in dirs or (A,):
        world.save(directory, lines("one"))
        world.remote[directory] = [lines("one")]
        world.objects[directory] = replace(world.objects[directory], base=1)
    world.pending.clear()
    world.pass_time(10_000)
    world.run_until(world.mono + 120)
    world.publishes.clear()
    return world


# ---------------------------------------------------------------- the start and rest


def test_a_start_looks_before_it_asks() -> None:
    world = World(PULLING)
    assert isinstance(world.step(), Look)
    assert isinstance(world.step(), Recall)
    assert isinstance(world.step(), Poll)


def test_an_idle_hour_is_looks_and_polls_and_nothing_else() -> None:
    world = synced(PUBLISHING, A, B)
    world.actions.clear()
    world.run_until(world.mono + 3600)
    assert set(world.actions) <= {"Look", "Poll", "Wait"}
    assert world.actions["Poll"] <= 67  # every 60 s, up to a tenth earlier by jitter
    assert world.actions["Look"] <= 62
    assert world.actions["Wait"] <= 140


def test_stop_is_the_next_thing_whatever_is_due() -> None:
    world = World(PUBLISHING)
    world.save(A, lines("x"))
    world.take(StopAsked())
    assert isinstance(world.step(), Stop)


# ---------------------------------------------------------------- saving


def test_a_save_is_published_after_the_quiet_period() -> None:
    world = synced(EAGER)
    world.save(A, lines("one", "two"))
    at = world.mono
    world.run_until(at + 4.9)
    assert world.latest(A)[0] == 1
    world.run_until(at + 6.0)
    assert world.latest(A) == (2, lines("one", "two"))


def test_saves_in_a_row_are_one_version() -> None:
    world = synced(EAGER)
    for number in range(20):
        world.save(A, lines("one", f"save {number}"))
        world.run_until(world.mono + 2)
    world.run_until(world.mono + 10)
    assert world.latest(A) == (2, lines("one", "save 19"))


def test_a_truncated_file_waits_for_its_text() -> None:
    world = synced(EAGER)
    world.save(A, Text(half=True))
    world.run_until(world.mono + 0.4)
    world.save(A, lines("one", "whole"))
    world.run_until(world.mono + 10)
    assert world.latest(A) == (2, lines("one", "whole"))


def test_a_file_deleted_and_created_again_is_one_save_and_no_removal() -> None:
    world = synced(EAGER)
    kept = world.objects.pop(A)
    world._event(A)
    world.run_until(world.mono + 0.5)
    world.objects[A] = kept
    world.save(A, lines("one", "again"))
    world.run_until(world.mono + 10)
    assert world.latest(A) == (2, lines("one", "again"))


def test_without_events_the_full_look_finds_a_save() -> None:
    world = synced(replace(EAGER, scan=5.0))
    world.hear = False
    world.save(A, lines("one", "silent"))
    world.run_until(world.mono + 20)
    assert world.latest(A)[1] == lines("one", "silent")


def test_what_other_settings_add_is_found_whichever_look_tells_of_them() -> None:
    world = synced(replace(EAGER, scan=60.0))
    world.hear = False
    world.elsewhere.add(B)
    world.save(B, lines("one"))
    world.settings += 1
    while world.state.settings != world.settings:
        world.run_until(world.mono + 1)
    world.run_until(world.mono + 30)
    assert world.latest(B) == (1, lines("one"))


def test_a_save_during_the_publish_is_not_sent_half_and_not_lost() -> None:
    world = synced(EAGER)
    world.save(A, lines("one", "first"))
    world.run_until(world.mono + 4.95)
    action = decide(world.state, world.options, world.now)
    while not isinstance(action, Publish):
        world.step()
        world.pass_time(0.05)
        action = decide(world.state, world.options, world.now)
    world.save(A, lines("one", "first", "second"))  # between the decision and the deed
    world.take(world.perform(action))
    assert world.latest(A)[0] == 1
    world.run_until(world.mono + 10)
    assert world.latest(A) == (2, lines("one", "first", "second"))


def test_the_default_mode_reports_and_sends_nothing() -> None:
    world = synced(PULLING)
    world.save(A, lines("one", "mine"))
    world.run_until(world.mono + 600)
    assert world.latest(A)[0] == 1
    assert world.actions["Report"] == 2  # at the start and after the save
    assert world.actions["Publish"] == 0


# ---------------------------------------------------------------- budgets


def test_two_versions_of_one_object_are_five_minutes_apart() -> None:
    world = synced(PUBLISHING, A, B)
    world.save(A, lines("one", "1"))
    world.run_until(world.mono + 30)
    world.save(A, lines("one", "2"))
    world.save(B, lines("one", "b"))
    world.run_until(world.mono + 60)
    assert world.latest(A)[0] == 2
    assert world.latest(B)[0] == 2, "one object's pause is not another's"
    world.run_until(world.mono + 300)
    assert world.latest(A) == (3, lines("one", "2"))


def test_fifty_versions_a_day_and_then_the_next_day() -> None:
    world = synced(replace(PUBLISHING, gap=0.0, daily=5))
    for number in range(9):
        world.save(A, lines("one", f"{number}"))
        world.run_until(world.mono + 60)
    assert world.latest(A)[0] == 6
    world.run_until(world.mono + 86_400)
    assert world.latest(A) == (7, lines("one", "8"))


def test_a_day_is_counted_over_a_restart() -> None:
    world = synced(replace(PUBLISHING, daily=3, gap=0.0))
    for number in range(3):
        world.save(A, lines("one", f"{number}"))
        world.run_until(world.mono + 60)
    world.restart()
    world.save(A, lines("one", "more"))
    world.run_until(world.mono + 600)
    assert world.latest(A)[0] == 4


# ---------------------------------------------------------------- the remote's edits


def test_a_remote_edit_is_taken_in_at_the_next_poll() -> None:
    world = synced(PULLING)
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 61)
    assert world.objects[A].text == lines("one", "web")


def test_a_pull_looks_at_what_changed_and_now_and_then_at_everything() -> None:
    world = synced(PULLING, A, B)
    world.pulls.clear()
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 130)
    assert world.pulls == [Changes(names=frozenset({A})), Changes(dirs=frozenset({A}))]
    world.run_until(world.mono + 600)
    world.edit(B, lines("one", "web"))
    world.run_until(world.mono + 130)
    hurried, rest, own = world.pulls[2:]
    assert (hurried, rest) == (Changes(names=frozenset({B})), None)
    assert own == Changes(dirs=frozenset({B}))
    world.switch("other")
    world.run_until(world.mono + 61)
    assert world.pulls[5:] == [None], "after a checkout nothing is taken for known"


def test_a_file_touched_lately_is_left_alone_until_a_minute_has_passed() -> None:
    world = synced(PULLING)
    world.save(A, lines("one", "mine"))
    at = world.mono
    world.edit(A, lines("one", "web"))
    world.run_until(at + 59.5)
    assert world.objects[A].text == lines("one", "mine")
    world.run_until(at + 122)
    assert world.objects[A].text == lines("one", "mine", "web")


def test_a_held_file_is_taken_in_right_when_the_minute_has_passed() -> None:
    world = synced(replace(PULLING, poll=10.0))
    world.save(A, lines("one", "mine"))
    at = world.mono
    world.edit(A, lines("one", "web"))
    world.run_until(at + 61)
    assert world.objects[A].text == lines("one", "mine", "web")


def test_a_file_open_in_an_editor_is_left_alone_until_it_is_closed() -> None:
    world = synced(PULLING)
    world.editors.add(A)
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 600)
    assert world.objects[A].text == lines("one")
    pulls = world.actions["Pull"]
    assert pulls <= 4, "an editor that stays open costs looks, not pulls"
    world.editors.clear()
    world.run_until(world.mono + 11)
    assert world.objects[A].text == lines("one", "web")


def test_a_conflict_is_said_once_and_the_others_go_on() -> None:
    world = synced(EAGER, A, B)
    world.save(A, lines("one", title="mine"))
    world.edit(A, lines("one", title="theirs"))
    world.run_until(world.mono + 1800)
    assert world.objects[A].text.title == "mine"
    told = [one for one in world.notices if one.code == "E-CONFLICT"]
    assert [(one.subject, one.level) for one in told] == [(A, Level.PERSON)]
    world.save(B, lines("one", "b"))
    world.edit(B, lines("one", "web"))
    world.run_until(world.mono + 200)
    assert world.objects[B].text == world.latest(B)[1] == lines("one", "b", "web")


def test_what_a_pull_could_not_do_is_tried_again_though_nothing_seems_to_have_changed() -> None:
    world = synced(PULLING)
    world.pulls.clear()
    world.take(Pulled(exit=1))
    world.run_until(world.mono + 500)
    assert world.pulls == []
    world.run_until(world.mono + 200)
    assert world.pulls == [None]
    world.run_until(world.mono + 3_600)
    assert world.pulls == [None], "that one left nothing open"


def told_of(*lines: Said) -> Pulled:
    return Pulled(lines)


INVALID = Said("a", "not valid", "E-SKILL-YAML", person=True)


def test_what_two_steps_find_is_said_once_and_needs_somebody_until_it_is_mended() -> None:
    world = synced(EAGER)
    world.take(Published(frozenset({A}), said=(INVALID,)))
    world.take(told_of(INVALID))
    world.take(told_of(INVALID))
    assert [one.message for one in world.notices] == ["not valid"]
    assert [one.subject for one in needs_person(world.state)] == ["a"]
    world.take(Pulled((), looked_at=Changes(frozenset({"b"}))))
    world.take(Published(frozenset({A}), passed_by=frozenset({"a"})))
    assert len(needs_person(world.state)) == 1, "nobody looked at it"
    world.take(told_of())
    world.take(Published(frozenset({A})))
    assert needs_person(world.state) == []
    world.take(told_of(INVALID))
    assert len(world.notices) == 2, "the same again is news"


def test_unattended_publishing_warns_of_the_last_versions_and_leaves_some_to_people() -> None:
    world = synced(EAGER, A, B)
    for directory, number in ((A, WARN_AT - 1), (B, STOP_AT)):
        world.remote[directory] = [lines("one")] * number
        world.objects[directory] = replace(world.objects[directory], base=number)
        world.save(directory, lines("one", "two"))
    world.run_until(world.mono + 30)
    assert world.latest(A)[0] == WARN_AT
    assert [(one.subject, one.code) for one in world.told("budget")] == [(A, "W-VERSION-BUDGET")]
    assert world.latest(B)[0] == STOP_AT
    assert world.actions["Publish"] <= 3


def test_what_is_kept_back_is_tried_again_when_it_may_go_and_not_before() -> None:
    world = synced(EAGER)
    world.save(A, lines("one", "two"))
    world.run_until(world.mono + 4.95)
    while not isinstance(decide(world.state, world.options, world.now), Publish):
        world.step()
        world.pass_time(0.05)
    world.take(Published(frozenset({A}), held={A: Kept("a stray file", 5.0)}))
    at = world.mono
    world.run_until(at + 4.9)
    assert world.latest(A)[0] == 1
    world.run_until(at + 5.1)
    assert world.latest(A) == (2, lines("one", "two"))


# ---------------------------------------------------------------- guards


def test_an_old_buffer_written_over_a_pull_is_not_published() -> None:
    world = synced(EAGER)
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 70)
    assert world.objects[A].text == lines("one", "web")
    world.save(A, lines("one", "typed in an old buffer"))
    world.run_until(world.mono + 3600)
    assert world.latest(A) == (2, lines("one", "web"))
    assert world.objects[A].text == lines("one", "typed in an old buffer"), "both are kept"
    [told] = world.told("stale")
    assert (told.code, told.level) == ("W-UNDOES-PULL", Level.PERSON)
    world.save(A, lines("one", "web", "typed"))  # the person brings it back
    world.run_until(world.mono + 30)
    assert world.latest(A) == (3, lines("one", "web", "typed"))


@pytest.mark.parametrize("saved", ["before the death", "after it"])
@pytest.mark.parametrize("away", [1.0, 3_600.0])
def test_an_old_buffer_is_told_by_a_daemon_that_was_killed_and_started_again(
    saved: str, away: float
) -> None:
    world = synced(EAGER)
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 70)
    if saved == "before the death":
        world.save(A, lines("one", "typed in an old buffer"))
        world.pass_time(away)
    world.restart()
    if saved == "after it":
        world.run_until(world.mono + 61)
        world.save(A, lines("one", "typed in an old buffer"))
    world.run_until(world.mono + 7_200)
    assert world.latest(A) == (2, lines("one", "web"))
    assert [one.code for one in world.told("stale")] == ["W-UNDOES-PULL"]


def test_an_old_buffer_is_told_after_a_pull_by_hand_too() -> None:
    world = synced(EAGER)
    world.edit(A, lines("one", "web"))
    pulled = world.perform(Pull(frozenset(), world.git))
    assert isinstance(pulled, Pulled), "and the daemon hears of it from the file system alone"
    world.run_until(world.mono + 1)
    world.save(A, lines("one", "typed in an old buffer"))
    world.run_until(world.mono + 600)
    assert world.latest(A) == (2, lines("one", "web"))
    assert [one.code for one in world.told("stale")] == ["W-UNDOES-PULL"]


def test_a_text_brought_back_long_after_a_pull_is_published_by_a_new_daemon_too() -> None:
    world = synced(EAGER)
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 70)
    world.pass_time(EAGER.stale)
    world.save(A, lines("one", "brought back"))
    world.restart()
    world.run_until(world.mono + 60)
    assert world.latest(A) == (3, lines("one", "brought back"))
    assert world.told("stale") == []


def test_a_guard_outlives_a_commit_and_our_own_publishes() -> None:
    world = synced(EAGER)
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 70)
    world.head += 1
    world.run_until(world.mono + 61)
    world.save(A, lines("one", "web", "from a newer buffer"))
    world.run_until(world.mono + 30)
    assert world.latest(A)[0] == 3
    world.head += 1
    world.run_until(world.mono + 61)
    world.save(A, lines("one", "from an old buffer"))
    world.run_until(world.mono + 600)
    assert world.latest(A)[0] == 3
    assert world.told("stale")


def test_a_checkout_undoes_nothing() -> None:
    world = synced(EAGER)
    world.snapshots["topic"] = {
        A: replace(world.objects[A], text=lines("one", "topic"), base=2),
    }
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 70)
    pointer = world.objects[A].pointer
    world.switch("topic")
    world.objects[A] = replace(world.objects[A], pointer=pointer)  # the same on both branches
    world.run_until(world.mono + 60)
    assert world.told("stale") == []
    assert world.latest(A) == (3, lines("one", "topic"))


def test_a_file_that_alternates_is_left_alone_until_it_is_quiet() -> None:
    world = synced(EAGER)
    for number in range(6):
        world.save(A, lines("one", "ping" if number % 2 else "pong"))
        world.run_until(world.mono + 6)
    before = world.latest(A)[0]
    assert world.told("loop")
    world.save(A, lines("one", "ping ping"))
    world.run_until(world.mono + 300)
    assert world.latest(A)[0] == before
    assert [one.kind for one in needs_person(world.state)] == ["loop"]
    world.run_until(world.mono + 600)
    assert world.latest(A)[1] == lines("one", "ping ping")
    assert needs_person(world.state) == []
    world.save(A, lines("one", "an ordinary save"))
    world.run_until(world.mono + 30)
    assert world.latest(A)[1] == lines("one", "an ordinary save"), "it is over"


def test_nothing_is_done_while_git_is_at_work_and_all_of_it_after() -> None:
    world = synced(EAGER, A, B)
    world.busy = True
    world.save(A, lines("one", "mine"))
    world.edit(B, lines("one", "web"))
    world.run_until(world.mono + 600)
    assert world.latest(A)[0] == 1
    assert world.objects[B].text == lines("one")
    world.busy = False
    world.run_until(world.mono + 70)
    assert world.latest(A)[1] == lines("one", "mine")
    assert world.objects[B].text == lines("one", "web")


def test_somebody_is_asked_about_a_lock_that_git_left_behind_and_not_about_a_long_rebase() -> None:
    world = synced(EAGER)
    world.busy, world.work = True, "index.lock"
    world.run_until(world.mono + 590)
    assert needs_person(world.state) == []
    world.run_until(world.mono + 30)
    [asked] = needs_person(world.state)
    assert "index.lock has been there for more than 10 minutes" in asked.message
    world.work = "rebase"
    world.run_until(world.mono + 3_600)
    assert needs_person(world.state) == []
    world.actions.clear()
    world.run_until(world.mono + 60)
    assert world.actions["Look"] <= 15, "and it costs little to wait"
    world.busy = False
    world.run_until(world.mono + 6)
    assert not world.state.is_busy


def test_a_checkout_of_an_old_branch_is_behind_and_never_published() -> None:
    world = synced(EAGER)
    world.snapshots["old"] = dict(world.objects)
    world.save(A, lines("one", "two"))
    world.run_until(world.mono + 30)
    world.switch("old")
    world.run_until(world.mono + 300)
    assert world.latest(A) == (2, lines("one", "two"))
    assert world.objects[A].text == lines("one", "two")
    assert world.actions["Publish"] >= 1


# ---------------------------------------------------------------- faults


def test_an_unreachable_server_is_asked_ever_less_often_and_said_once() -> None:
    world = synced(PULLING)
    world.down = True
    world.actions.clear()
    world.run_until(world.mono + 3600)
    assert 5 <= world.actions["Poll"] <= 15
    assert len([one for one in world.notices if one.code == "E-UNREACHABLE"]) == 1
    world.down = False
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 620)
    assert world.objects[A].text == lines("one", "web")
    assert [one.message for one in world.told("remote")] == ["the server answers again"]


def test_a_machine_that_slept_looks_and_asks_at_once() -> None:
    world = synced(PULLING)
    world.edit(A, lines("one", "web"))
    world.wall += 8 * 3600  # the monotonic clock stands still meanwhile
    world.run_until(world.mono + 3)
    assert world.objects[A].text == lines("one", "web")


def test_a_clock_that_was_set_back_a_day_stops_nothing() -> None:
    world = synced(EAGER)
    world.wall -= 86_400
    world.save(A, lines("one", "mine"))
    world.edit(A, lines("one", "web"))
    world.run_until(world.mono + 300)
    assert world.latest(A)[1] == world.objects[A].text == lines("one", "mine", "web")


def test_another_command_at_work_is_waited_for_without_a_word() -> None:
    world = synced(EAGER)
    world.locked = True
    world.save(A, lines("one", "mine"))
    world.run_until(world.mono + 30)
    assert not world.told("trouble")
    world.locked = False
    world.run_until(world.mono + 3)
    assert world.latest(A)[1] == lines("one", "mine")


# ---------------------------------------------------------------- random schedules

DIRS = ("skills/a", "skills/b", "skills/c")
STEPS = st.one_of(
    st.tuples(st.just("save"), st.sampled_from(DIRS)),
    st.tuples(st.just("half"), st.sampled_from(DIRS)),
    st.tuples(st.just("title"), st.sampled_from(DIRS)),
    st.tuples(st.just("edit"), st.sampled_from(DIRS)),
    st.tuples(st.just("retitle"), st.sampled_from(DIRS)),
    st.tuples(st.just("editor"), st.sampled_from(DIRS)),
    st.tuples(
        st.sampled_from(["busy", "down", "locked", "deaf", "restart", "sleep", "mid"]), st.just("")
    ),
    st.tuples(st.just("switch"), st.sampled_from(["main", "other"])),
)
PAUSES = st.sampled_from([0.0, 0.05, 0.3, 0.6, 1.0, 4.0, 6.0, 30.0, 61.0, 200.0, 1_000.0])
MODES = st.sampled_from(
    [PULLING, PUBLISHING, EAGER, replace(EAGER, quiet=0.0), replace(EAGER, daily=4)]
)


def _happen(world: World, what: str, where: str, number: int) -> None:
    local = world.objects.get(where)
    number_there, remote = world.latest(where) if where in DIRS else (0, Text())
    match what:
        case "save":
            text = local.text if local else Text()
            world.save(where, replace(text, lines=text.lines | {f"local {number}"}, half=False))
        case "half" if local:
            world.save(where, replace(local.text, half=True))
            world.run_until(world.mono + 0.3)
            world.save(where, replace(local.text, lines=local.text.lines | {f"local {number}"}))
        case "title" if local:
            world.save(where, replace(local.text, title=f"local {number}"))
        case "edit":
            text = remote if number_there else Text()
            world.edit(where, replace(text, lines=text.lines | {f"remote {number}"}))
        case "retitle" if number_there:
            world.edit(where, replace(remote, title=f"remote {number}"))
        case "editor":
            world.editors ^= {where}
        case "busy":
            world.busy = not world.busy
        case "down":
            world.down = not world.down
        case "locked":
            world.locked = not world.locked
        case "deaf":
            world.hear = not world.hear
        case "restart":
            world.restart()
        case "sleep":
            world.wall += 5_000
        case "mid":
            world.step()  # the next thing that happens, happens between two steps
        case "switch":
            if not world.busy:
                world.switch(where)


@given(options=MODES, schedule=st.lists(st.tuples(STEPS, PAUSES), max_size=25))
def test_no_schedule_loses_an_edit_or_keeps_an_idle_daemon_busy(
    options: Options, schedule: list[tuple[tuple[str, str], float]]
) -> None:
    """P1, P2, P18, P20, P23: see World for what is checked at every write."""
    world = World(options)
    remote: dict[str, set[str]] = {}
    for number, ((what, where), pause) in enumerate(schedule):
        before = {at: set(one.text.lines) for at, one in world.objects.items()}
        _happen(world, what, where, number)
        if pause:
            world.run_until(world.mono + pause)
        if what != "switch":
            for at, texts in before.items():
                assert texts <= world.objects[at].text.lines, "a local line vanished"
        for at, versions in world.remote.items():
            remote.setdefault(at, set()).update(*(one.lines for one in versions))
    world.busy = world.down = world.locked = False
    world.hear = True
    world.editors.clear()
    world.options = replace(options, poll=1_800.0, scan=1_800.0)
    world.run_until(world.mono + 1.2 * 86_400)  # a day's budget is used up and comes back
    world.options = options
    for at, versions in world.remote.items():
        assert remote.get(at, set()) <= versions[-1].lines, "a remote line vanished"
    flagged = {one.subject for one in world.told("loop") + world.told("stale")}
    for at, one in world.objects.items():
        version, text = world.latest(at)
        if at in world.conflicts or at in flagged:
            continue
        if options.publish:
            assert (one.base, one.text) == (version, text), (at, one.text, text)
        elif version and one.base:
            assert one.text.lines >= text.lines
    counts, writes = dict(world.actions), world.writes
    published = sum(map(len, world.publishes.values()))
    world.run_until(world.mono + 3_600)
    assert world.writes == writes
    assert sum(map(len, world.publishes.values())) == published
    assert world.actions["Pull"] == counts.get("Pull", 0)
    assert world.actions["Publish"] == counts.get("Publish", 0)
    assert published <= len(schedule) + world.writes


@pytest.mark.parametrize("options", [PULLING, EAGER])
def test_waiting_never_ends_in_the_past(options: Options) -> None:
    world = synced(options)
    world.run_until(world.mono + 1)
    action = decide(world.state, world.options, world.now)
    assert isinstance(action, Wait)
    assert action.until > world.mono
