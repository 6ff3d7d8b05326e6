"""The verbs about versions as a person and a script meet them: log, show, diff NAME@N."""

from __future__ import annotations

from tests.cli.cli_world import Repo, World


def test_log_show_and_diff_of_versions(repo: Repo) -> None:
    path = repo.published("alpha")
    repo.edit("alpha", body="one\n\nTWO\n\nthree")
    said = repo.ok("log", "alpha")
    lines = said.out.splitlines()
    assert lines[0].split()[0] == "version"
    assert lines[1].startswith("v2")
    assert "latest" in lines[1]
    assert lines[2].startswith("v1")
    assert "taken in here" in lines[2]
    told = repo.ok("log", "alpha", "-n", "1", "--json").json
    assert told["schema"] == "skillsync.log/1"
    assert [one["version"] for one in told["versions"]] == [2]
    assert told["more"] is True
    assert repo.ok("show", "alpha@1").out == repo.read(path)
    assert "TWO" in repo.ok("show", "alpha").out
    assert repo.ok("show", "alpha@2", "--files").out.split()[1] == "SKILL.md"
    assert repo.ok("show", "alpha@2", "--json").json["version"] == 2
    compared = repo.run("diff", "alpha@1", "alpha@2", "--exit-code")
    assert compared.exit == 10
    assert "+ TWO" in compared.out
    assert "- two" in compared.out
    document = repo.ok("diff", "alpha@1", "--json").json
    assert document["schema"] == "skillsync.diff.versions/1"
    assert (document["before"], document["after"], document["changes"]) == (
        "alpha@1",
        "the working tree",
        [],
    )


def test_a_version_on_a_terminal_cannot_command_it(repo: Repo) -> None:
    repo.published("alpha")
    repo.edit("alpha", body="one \x1b[2J\x07 two")
    assert "\x1b[2J" in repo.ok("show", "alpha").out  # a pipe gets the bytes
    shown = repo.run("show", "alpha", terminal=True)
    assert "\x1b[2J" not in shown.out
    assert "\x07" not in shown.out


def test_versions_that_are_not_there_are_said(repo: Repo) -> None:
    repo.published("alpha")
    missing = repo.run("show", "alpha@7", "--json")
    assert (missing.exit, missing.json["error"]["code"]) == (1, "E-NOT-FOUND")
    assert "latest is v1" in missing.json["error"]["message"]
    assert repo.run("show", "alpha", "--files", "--path", "x").exit == 2
    assert repo.run("diff", "alpha@1", "--offline").exit == 2
    repo.dataset("sums", '{"id": "a", "input": 1}')
    repo.commit()
    assert "+1 ~0 -0 rows" in repo.ok("log", "sums").out
    assert repo.run("show", "sums@1").exit == 2


def test_restore_brings_an_old_version_back(repo: Repo) -> None:
    path = repo.published("alpha")
    first = repo.read(path)
    repo.write(path, first.replace("two", "2"))
    repo.ok("push")
    repo.commit()
    would = repo.ok("restore", "alpha", "--version", "1", "--dry-run")
    assert "would restore v1: publish v3 and write SKILL.md" in would.out
    done = repo.ok("restore", "alpha", "--version", "1", "--json").json
    assert done["schema"] == "skillsync.restore/1"
    assert done["outcomes"][0]["did"] == "restored v1: published v3"
    assert repo.read(path) == first
    repo.edit("alpha", body="of the web")
    blocked = repo.run("restore", "alpha", "--version", "2")
    assert blocked.exit == 3
    assert "E-REMOTE-AHEAD" in blocked.out
    assert repo.run("restore", "alpha").exit == 2
    assert repo.run("restore", "alpha", "--version", "1", "--files-only", "--from-branch").exit == 2


def test_a_plan_is_written_looked_at_and_pushed_once(repo: Repo) -> None:
    path = repo.published("alpha")
    repo.write(path, repo.read(path).replace("two", "2"))
    repo.commit()
    planned = repo.ok("plan", "-o", "plan.json")
    assert "~ update skill  alpha" in planned.out
    assert "skillsync push --plan plan.json" in planned.err
    assert repo.world.keys["me"] not in repo.read("plan.json")
    assert repo.run("push", "alpha", "--plan", "plan.json").exit == 2
    assert repo.run("plan", "--archive", "alpha").exit == 2
    done = repo.ok("push", "--plan", "plan.json", "--json").json
    assert [one["did"] for one in done["outcomes"]] == ["published v2"]
    again = repo.run("push", "--plan", "plan.json", "--json")
    assert (again.exit, again.json["error"]["code"]) == (6, "E-STALE-PLAN")
    damaged = repo.read("plan.json").replace("publish", "create")
    repo.write("plan.json", damaged)
    refused = repo.run("push", "--plan", "plan.json", "--json")
    assert (refused.exit, refused.json["error"]["code"]) == (2, "E-PLAN")
    missing = repo.run("push", "--plan", "nowhere.json", "--json")
    assert (missing.exit, missing.json["error"]["code"]) == (2, "E-PLAN")


def test_undo_takes_the_last_push_back(repo: Repo) -> None:
    path = repo.published("alpha")
    repo.write(path, repo.read(path).replace("two", "2"))
    repo.ok("push")
    would = repo.ok("undo", "--dry-run")
    assert "would publish the content of v1 again" in would.out
    done = repo.ok("undo", "--json").json
    assert done["schema"] == "skillsync.undo/1"
    assert done["outcomes"][0]["did"] == "v2 taken back: v3 has the content of v1"
    assert "2" in repo.read(path)
    none = repo.ok("undo", "--json").json
    assert none["outcomes"] == []
    assert none["notes"] == ["the last push of this clone was taken back already"]
    typo = repo.run("undo", "--archive", "alfa", "--json")
    assert (typo.exit, typo.json["error"]["code"]) == (2, "E-USAGE")


def test_doctor_names_what_is_wrong_and_its_fix(repo: Repo) -> None:
    repo.published("alpha")
    found = repo.ok("doctor")
    assert "0 problems" in found.out
    assert "SKILLSYNC_API_KEY" in found.out
    assert repo.world.keys["me"] not in found.out + found.err
    repo.skill("other")
    repo.write("skills/twice/SKILL.md", repo.read("skills/other/SKILL.md"))
    document = repo.run("doctor", "--offline", "--json")
    assert document.exit == 1
    assert document.json["schema"] == "skillsync.doctor/1"
    (problem,) = [one for one in document.json["findings"] if one["level"] == "problem"]
    assert (problem["subject"], bool(problem["fix"])) == ("other", True)
    unknown = repo.run("doctor", "--json", env={"SKILLSYNC_API_KEY": "phx_" + "x" * 40})
    assert any(one["check"] == "key" for one in unknown.json["findings"])
    assert unknown.exit == 1


def test_all_targets_side_by_side(world: World) -> None:
    other = world.project()
    more = f'[targets.prod]\nhost = "{world.url}"\nproject = {other}\n'
    repo = world.repository(more=more)
    repo.published("alpha")
    repo.ok("push", "--target", "prod")
    repo.commit()
    repo.edit("alpha", body="of the web")
    shown = repo.ok("status", "--all-targets")
    assert shown.out.splitlines()[0].split() == ["local", "prod"]
    assert shown.out.splitlines()[1].split() == ["alpha", "v1", "→", "v2", "v1"]
    document = repo.run("status", "--all-targets", "--json", "--exit-code")
    assert document.exit == 10
    assert document.json["schema"] == "skillsync.status.targets/1"
    assert document.json["objects"][0]["targets"]["prod"]["text"] == "v1"
    assert repo.run("status", "--all-targets", "--target", "prod").exit == 2
    offline = repo.ok("status", "--all-targets", "--offline")
    assert "v1" in offline.out
    lost = repo.run("status", "--all-targets", env={"SKILLSYNC_PROD_API_KEY": "phx_" + "x" * 40})
    assert lost.exit == 7
    assert "v1 → v2" in lost.out


def test_versions_become_commits(repo: Repo) -> None:
    repo.published("alpha")
    repo.edit("alpha", body="of the web")
    assert (
        "v1 to v2 are commits on skillsync-history/alpha"
        in repo.ok("history", "import", "alpha").out
    )
    document = repo.ok("history", "import", "alpha", "--json").json
    assert document["schema"] == "skillsync.history.import/1"
    assert (document["versions"], document["added"]) == (2, 0)
    refused = repo.run("history", "import", "alpha", "--branch", "main", "--json")
    assert (refused.exit, refused.json["error"]["code"]) == (6, "E-REFUSED")
