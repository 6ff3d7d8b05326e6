"""`carry` in skillsync.toml: what the API has no place for travels along, stays here, or is refused (skill-format.md 10.6)."""

from __future__ import annotations

import pytest

from tests.sync.harness import Clone, Live, outcome

PATH = "skills/alpha/SKILL.md"
RUN = "skills/alpha/run.sh"
MORE = "hooks: x\nteam: us\n"


def set_mode(clone: Clone, mode: str) -> None:
    text = clone.read("skillsync.toml")
    lines = [line for line in text.split("\n") if not line.startswith("carry")]
    clone.write("skillsync.toml", f'carry = "{mode}"\n' + "\n".join(lines))


def with_extras(clone: Clone) -> None:
    clone.skill("alpha", more=MORE)
    clone.write(RUN, "echo hi\n", executable=True)
    clone.write("skills/alpha/pkg/__init__.py", "")


def is_silent(clone: Clone) -> bool:
    before = clone.files()
    silent = not clone.push().outcomes and not clone.pull().outcomes and clone.status().is_clean
    return silent and clone.status(offline=True).is_clean and clone.files() == before


@pytest.mark.parametrize("was_carried", [False, True])
def test_local_keeps_everything_here_and_nothing_of_it_there(
    solo: Clone, live: Live, *, was_carried: bool
) -> None:
    """Also where it was carried before: the next publish takes the entry away, and no pull takes anything here."""
    with_extras(solo)
    if was_carried:
        assert solo.push().exit == 0
        assert "skillsync" in live.skill("alpha")["metadata"]
    set_mode(solo, "local")
    report = solo.push()
    assert report.exit == 0
    codes = {one.code for one in report.problems}
    assert {"W-SKILL-BEHAVIOUR", "W-SKILL-MODES"} <= codes
    assert live.version("alpha") == 1 + was_carried
    assert "skillsync" not in live.skill("alpha")["metadata"]
    assert is_silent(solo)
    solo.commit("published")
    live.edit_body("alpha", "Step one.", "Step 1.")
    solo.replace(PATH, "team: us", "team: them")
    solo.replace(PATH, "Step two.", "Step 2.")
    assert solo.pull().exit == 0
    text = solo.read(PATH)
    assert all(word in text for word in ("hooks: x", "team: them", "Step 1.", "Step 2."))
    assert (solo.path / RUN).stat().st_mode & 0o100
    assert (solo.path / "skills/alpha/pkg/__init__.py").exists()
    assert solo.push().exit == 0
    assert "skillsync" not in live.skill("alpha")["metadata"]
    solo.commit("merged")
    assert is_silent(solo)


def test_an_edit_of_what_stays_here_is_nothing_to_publish(solo: Clone, live: Live) -> None:
    set_mode(solo, "local")
    with_extras(solo)
    assert solo.push().exit == 0
    solo.replace(PATH, "team: us", "team: them")
    (solo.path / RUN).chmod(0o644)
    assert not solo.push().outcomes
    assert live.version("alpha") == 1


def test_what_could_not_be_read_back_without_an_entry_is_refused(solo: Clone, live: Live) -> None:
    set_mode(solo, "local")
    solo.skill("alpha", more='allowed-tools: ["Bash(git log)", Read]\n')
    solo.skill("beta")
    report = solo.push()
    assert (outcome(report, "alpha").exit, outcome(report, "beta").exit) == (1, 0)
    assert outcome(report, "alpha").code == "E-SKILL-KEY"
    assert live.version("alpha") == 0


def test_error_refuses_a_key_outside_of_the_standard(solo: Clone, live: Live) -> None:
    set_mode(solo, "error")
    with_extras(solo)
    solo.skill("beta")
    report = solo.push()
    assert report.exit == 5
    assert "E-SKILL-KEY" in outcome(report, "alpha").code
    assert (live.version("alpha"), live.version("beta")) == (0, 1)
    solo.replace(PATH, MORE, "")
    assert solo.push().exit == 0
    assert "skillsync" in live.skill("alpha")["metadata"]  # modes and empty files are carried
    assert is_silent(solo)
