"""What every command keeps (design.md 6): one JSON document, exit codes, words of an error, no traceback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from skillsync.cli.explanations import all_explanations
from tests.cli.cli_world import Ended, Repo, World, skillsync

ASKING = {
    "status": ["status"],
    "diff": ["diff"],
    "plan": ["plan"],
    "pull": ["pull"],
    "push": ["push"],
    "adopt": ["adopt", "alpha", "--local"],
    "conflicts": ["conflicts"],
    "resolve": ["resolve", "alpha"],
    "log": ["log", "alpha"],
    "show": ["show", "alpha"],
    "restore": ["restore", "alpha", "--version", "1"],
    "undo": ["undo", "alpha"],
    "history import": ["history", "import", "alpha"],
}
"""Verbs that ask a server."""

LOCAL = {
    "lint": ["lint"],
    "fmt": ["fmt"],
    "dataset import": ["dataset", "import", "rows.jsonl"],
    "dataset export": ["dataset", "export", "rows", "-o", "out.jsonl"],
    "rescue": ["rescue"],
    "doctor": ["doctor", "--offline"],
    "rescue list": ["rescue", "list"],
    "rescue show": ["rescue", "show", "ID", "PATH"],
    "rescue restore": ["rescue", "restore", "ID"],
}
"""Verbs that need the repository alone."""

BAD_CONFIG = "version = 1\nskills = 5\n[targets.local]\nhost = 'nonsense'\nproject = 1\n"


def failure(ended: Ended, code: str, status: int) -> None:
    """It failed as design.md 6 says: one document, the same code in it and on stderr, all the words."""
    assert ended.exit == status, ended
    error = ended.json["error"]
    assert ended.json["schema"] == "skillsync.error/1"
    assert error["code"] == code
    assert error["exit"] == status
    assert error["message"]
    assert "Traceback" not in ended.err
    assert code in all_explanations()


# ---------------------------------------------------------------- failures of every verb


@pytest.mark.parametrize("verb", [*ASKING, *LOCAL])
def test_a_wrong_configuration_ends_every_verb_with_2(verb: str, world: World) -> None:
    repo = world.repository(config=BAD_CONFIG)
    words = (ASKING | LOCAL)[verb]
    ended = repo.run(*words, "--json")
    failure(ended, "E-CONFIG", 2)
    assert {one["line"] for one in ended.json["error"]["problems"]} == {2, 4}
    plain = repo.run(*words)
    assert (plain.exit, plain.out) == (2, "")
    assert "skillsync.toml:2" in plain.err


@pytest.mark.parametrize("verb", [*ASKING, *LOCAL])
def test_outside_of_a_repository_every_verb_ends_with_2(verb: str, tmp_path: Path) -> None:
    ended = skillsync(tmp_path, *(ASKING | LOCAL)[verb], "--json")
    failure(ended, "E-NO-REPOSITORY", 2)
    assert "skillsync init" in ended.json["error"]["hint"]
    assert list(tmp_path.iterdir()) == []


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number


@pytest.mark.parametrize(
    "verb",
    # Each waits through the retries of a read, so two stand for all where it has to be quick.
    [
        pytest.param(verb, marks=[] if verb in {"status", "push"} else pytest.mark.slow)
        for verb in ASKING
    ],
)
def test_a_server_that_does_not_answer_ends_every_verb_with_75(
    verb: str, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    repo.skill("alpha")
    text = repo.read("skillsync.toml")
    repo.write("skillsync.toml", re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{closed_port()}", text))
    before = sorted(repo.path.rglob("*.md"))
    if verb == "resolve":
        pytest.skip("asks only when there is a conflict")
    ended = repo.run(*ASKING[verb], "--json")
    failure(ended, "E-UNREACHABLE", 75)
    assert ended.json["error"]["message"].endswith("Connection refused")
    assert "Errno" not in ended.json["error"]["message"]
    assert sorted(repo.path.rglob("*.md")) == before


@pytest.mark.parametrize("verb", ASKING)
def test_a_key_that_is_not_known_ends_every_verb_with_7(verb: str, repo: Repo) -> None:
    repo.skill("alpha")
    if verb == "resolve":
        pytest.skip("asks only when there is a conflict")
    wrong = "phx_" + "wrong" * 8
    ended = repo.run(*ASKING[verb], "--json", env={"SKILLSYNC_API_KEY": wrong})
    failure(ended, "E-AUTH", 7)
    assert wrong not in ended.out + ended.err


@pytest.mark.parametrize("verb", [verb for verb in ASKING if verb != "resolve"])
def test_without_any_key_the_variable_is_named(verb: str, repo: Repo) -> None:
    repo.skill("alpha")
    ended = repo.run(*ASKING[verb], "--json", env={"SKILLSYNC_API_KEY": ""})
    failure(ended, "E-AUTH", 7)
    assert "SKILLSYNC_LOCAL_API_KEY" in ended.json["error"]["hint"]


@pytest.mark.parametrize("verb", [verb for verb in ASKING if verb != "resolve"])
def test_a_host_that_nobody_accepted_gets_no_key(verb: str, world: World) -> None:
    repo = world.repository()
    repo.write(
        "skillsync.toml", repo.read("skillsync.toml").replace(world.url, "https://evil.example")
    )
    ended = repo.run(*ASKING[verb], "--json")
    failure(ended, "E-HOST-NOT-TRUSTED", 7)
    assert "skillsync trust" in ended.json["error"]["hint"]


@pytest.mark.parametrize("verb", [*ASKING, *LOCAL])
def test_wrong_words_end_every_verb_with_2(verb: str, repo: Repo) -> None:
    failure(repo.run(*(ASKING | LOCAL)[verb], "--nonsense", "--json"), "E-USAGE", 2)


@pytest.mark.parametrize("verb", [verb for verb in ASKING if verb != "resolve"])
def test_a_target_that_is_not_configured_is_named(verb: str, repo: Repo) -> None:
    ended = repo.run(*ASKING[verb], "--target", "nowhere", "--json")
    failure(ended, "E-CONFIG", 2)
    assert "nowhere" in ended.json["error"]["message"]
    assert "local" in ended.json["error"]["message"] + ended.json["error"]["hint"]


# ---------------------------------------------------------------- each exit code, really reached


def test_0_and_10(repo: Repo) -> None:
    repo.skill("alpha")
    assert repo.run("status").exit == 0
    for verb in ("status", "diff", "plan"):
        assert repo.run(verb, "--exit-code").exit == 10
        assert repo.run(verb, "--exit-code", "--json").json["exit"] == 10
    repo.ok("push")
    repo.commit()
    for verb in ("status", "diff", "plan"):
        assert repo.run(verb, "--exit-code").exit == 0


def test_1_and_5(repo: Repo) -> None:
    repo.write("skills/bad/SKILL.md", "no frontmatter\n")
    ended = repo.run("push", "--json")
    assert (ended.exit, ended.json["exit"]) == (1, 1)
    assert ended.json["outcomes"][0]["code"] == "E-SKILL-FENCE"
    assert "skills/bad/SKILL.md:1" in ended.json["outcomes"][0]["message"]
    repo.skill("alpha")
    assert repo.run("push").exit == 5


def test_3_says_who_changed_what(repo: Repo) -> None:
    path = repo.published()
    repo.edit("alpha", description="Of the web.")
    repo.write(path, repo.read(path).replace("two", "TWO"))
    ended = repo.run("push")
    assert ended.exit == 3
    assert "web@" in ended.out
    assert "description" in ended.out
    assert "next: skillsync pull alpha  [E-REMOTE-AHEAD]" in ended.out
    assert repo.run("push", "--json").json["exit"] == 3


def test_2_where_no_file_of_a_skill_is_left_to_edit(repo: Repo) -> None:
    """One of two files in conflict was settled: there is nothing in it to open, and it stays as it is."""
    repo.write("skills/alpha/notes.md", "one\n\ntwo\n")
    path = repo.published()
    files = [{"path": "notes.md", "content": "one\n\nTWO of the web\n"}]
    repo.edit("alpha", body="one\n\nTWO of the web\n\nthree", files=files)
    for each in (path, "skills/alpha/notes.md"):
        repo.write(each, repo.read(each).replace("two", "two of the file"))
    assert repo.run("pull").exit == 4
    repo.ok("resolve", "alpha:notes.md", "--local")
    ended = repo.run("resolve", "alpha:notes.md", "--edit", terminal=True, env={"EDITOR": "false"})
    assert ended.exit == 2
    assert "nothing is left to edit: notes.md was settled already" in ended.err
    assert "unchanged: nothing was changed\n  next: skillsync conflicts alpha\n" in ended.err
    assert repo.read("skills/alpha/notes.md") == "one\n\ntwo of the file\n"


def test_4_until_it_is_resolved(repo: Repo) -> None:
    path = repo.conflicted()
    assert repo.run("pull").exit == 4
    shown = repo.run("conflicts")
    assert shown.exit == 4
    assert "two of the file" in shown.out
    assert "TWO of the web" in shown.out
    refused = repo.run("resolve", "alpha")
    assert refused.exit == 1
    assert "<<<<<<<" in repo.read(path)
    repo.ok("resolve", "alpha", "--remote")
    assert "TWO of the web" in repo.read(path)
    assert repo.run("conflicts").exit == 0
    repo.commit()
    assert repo.ok("push").out == "nothing to push\n"


def test_6_when_too_much_would_go_and_yes_covers_no_removal(repo: Repo) -> None:
    names = [f"skill-{number}" for number in range(6)]
    for name in names:
        repo.skill(name)
    repo.ok("push")
    repo.commit()
    for name in names:
        (repo.path / "skills" / name / "SKILL.md").unlink()
        (repo.path / "skills" / name / ".skillsync").unlink()
    pending = repo.run("push", "--yes")
    assert pending.exit == 0
    assert "pending" in pending.out
    archive = [word for name in names for word in ("--archive", name)]
    refused = repo.run("push", "--yes", *archive, "--json")
    failure(refused, "E-REFUSED", 6)
    with repo.web() as client:
        assert client.get("llm_skills").json()["count"] == 6
    assert repo.run("push", *archive, "--max-removals", "5").exit == 6
    assert repo.run("push", *archive, "--max-removals", "6").exit == 0
    with repo.web() as client:
        assert client.get("llm_skills").json()["count"] == 0


def test_6_from_a_branch_that_may_not_publish(world: World) -> None:
    from tests.world import git

    repo = world.repository(more='publish_branch = "main"')
    git(repo.path, "checkout", "-q", "-b", "feature")
    repo.skill("alpha")
    repo.commit()
    failure(repo.run("push", "--json"), "E-REFUSED", 6)
    assert repo.run("push", "--from-branch").exit == 0


def test_75_while_another_command_works_here(repo: Repo) -> None:
    from skillsync.repo.git import Repository
    from skillsync.repo.lock import locked

    state = Repository.open(repo.path).state_dir
    with locked(state, command="pull"):
        failure(repo.run("push", "--json"), "E-LOCKED", 75)
        assert repo.run("status").exit == 0


def test_130_when_interrupted(repo: Repo) -> None:
    """A real process that waits for a server which never answers, and a real Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = repo.read("skillsync.toml")
        repo.write("skillsync.toml", re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", text))
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "skillsync", "pull", "--json"],
            cwd=repo.path,
            env={**os.environ, **repo.world.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = server.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            connection.close()
    failure(Ended(process.returncode, out, err), "E-INTERRUPTED", 130)


# ---------------------------------------------------------------- where and how


def test_names_and_paths_from_any_folder(repo: Repo) -> None:
    repo.skill("alpha")
    repo.skill("beta")
    repo.write("skills/alpha/deep/notes.md", "x\n")
    for at, word in (
        ("skills/alpha/deep", "."),
        ("skills/alpha", "../alpha"),
        ("skills", "alpha"),
        ("", "skills/alpha"),
        ("", "skills/alpha/SKILL.md"),
        ("skills/beta", "alpha"),
    ):
        found = repo.run("status", word, "--json", at=at).json["objects"]
        assert [one["subject"] for one in found] == ["alpha"], (at, word)
    assert len(repo.run("status", "--json", at="skills/alpha/deep").json["objects"]) == 2
    assert len(repo.run("-C", "skills", "status", ".", "--json").json["objects"]) == 2
    assert len(repo.run("status", "-C", "skills/beta", "--json", ".").json["objects"]) == 1


UNKNOWN = [
    *([verb, "alhpa"] for verb in ("status", "push", "pull", "diff", "plan", "lint", "fmt")),
    ["status", "--offline", "alhpa"],
    ["diff", "--offline", "alhpa"],
    ["fmt", "--check", "alhpa"],
    ["conflicts", "alhpa"],
    ["resolve", "alhpa"],
    ["adopt", "alhpa"],
    ["push", "--archive", "alhpa"],
    ["push", "--archive", "alhpa:row"],
    ["push", "--republish", "alhpa"],
    ["push", "alpha", "--republish", "alhpa"],
    ["push", "alpha", "alhpa"],
]


def test_a_name_that_nothing_has_is_said_and_nothing_is_done(repo: Repo) -> None:
    repo.skill("alpha")
    repo.dataset("rows", '{"input": 1}')
    for words in UNKNOWN:
        ended = repo.run(*words, "--json")
        failure(ended, "E-USAGE", 2)
        assert "alhpa" in ended.json["error"]["message"], words
    with repo.web() as client:
        assert client.get("llm_skills").json()["count"] == 0
    assert repo.read("datasets/rows/items.jsonl") == '{"input": 1}\n'


def test_what_archive_names_and_is_still_here_is_said(repo: Repo) -> None:
    repo.published()
    repo.dataset("rows", '{"id": "a", "input": 1}', '{"id": "b", "input": 2}')
    repo.ok("push")
    for word, said in (
        ("alpha", "alpha is still here and was not archived"),
        ("skills/alpha", "alpha is still here and was not archived"),
        ("rows", "nothing was removed from rows"),
        ("rows:a", "rows:a is still here and was not archived"),
        ("rows:z", "no row of rows is called 'z'"),
    ):
        ended = repo.ok("push", "--archive", word)
        assert said in ended.err, word
        assert ended.out == "nothing to push\n"


def test_a_removed_object_is_archived_by_its_name_or_folder_also_when_others_are_named(
    repo: Repo,
) -> None:
    for name in ("one", "two", "kept"):
        repo.skill(name)
    repo.dataset("rows", '{"id": "a", "input": 1}', '{"id": "b", "input": 2}')
    repo.ok("push")
    repo.commit()
    for name in ("one", "two"):
        shutil.rmtree(repo.path / "skills" / name)
    repo.write("datasets/rows/items.jsonl", '{"id": "a", "input": 1}\n')
    assert "one: archived" in repo.ok("push", "--archive", "skills/one").out
    assert "two: archived" in repo.ok("push", "rows", "--archive", "two").out
    assert "1 row removed" in repo.ok("push", "--archive", "datasets/rows:b").out
    repo.commit()
    assert "nothing to push" in repo.ok("push").out
    again = repo.ok("push", "--archive", "one", "--archive", "rows:b")
    assert "nothing is left to archive of one" in again.err
    assert "no row of rows is called 'b'" in again.err


def test_two_sides_at_once_are_a_mistake(repo: Repo) -> None:
    path = repo.conflicted()
    before = repo.read(path)
    for words in (["resolve", "alpha", "--local", "--remote"], ["resolve", "alpha", "--edit", "--abort"],
                  ["adopt", "alpha", "--merge", "--local"]):  # fmt: skip
        ended = repo.run(*words, "--json")
        failure(ended, "E-USAGE", 2)
        assert "cannot both be given" in ended.json["error"]["message"]
    assert repo.read(path) == before


def test_a_folder_of_gits_own_is_made_no_repository(repo: Repo) -> None:
    ended = repo.run("init", "--git", "--json", at=".git")
    failure(ended, "E-NO-REPOSITORY", 2)
    assert not (repo.path / ".git" / ".git").exists()


def test_a_closed_output_is_no_mistake_of_ours(repo: Repo) -> None:
    repo.skill("alpha")
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$0" -P -m skillsync status --offline {closed}', sys.executable],
            cwd=repo.path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done
        assert "Traceback" not in done.stderr + done.stdout


def test_adopt_and_resolve_take_the_folder_for_the_name(repo: Repo) -> None:
    repo.conflicted()
    repo.ok("resolve", "skills/alpha", "--remote")
    assert repo.run("resolve", "../alpha", at="skills/alpha").exit == 2  # nothing is left to settle
    assert "linked" in repo.ok("adopt", "skills/alpha", "--local").out


def test_no_prompt_without_a_terminal_and_no_progress_in_a_pipe(repo: Repo) -> None:
    repo.skill("alpha")
    ended = repo.ok("push")
    assert "\r" not in ended.err + ended.out
    assert "\x1b" not in ended.err + ended.out


def test_colours(repo: Repo) -> None:
    repo.skill("alpha")
    assert "\x1b[" in repo.run("diff", "--color", "always").out
    assert "\x1b[" in repo.run("--color", "always", "diff").out
    assert (
        "\x1b[" not in repo.run("diff", terminal=True, env={"NO_COLOR": "1", "TERM": "xterm"}).out
    )
    assert "\x1b[" in repo.run("diff", terminal=True, env={"TERM": "xterm"}).out
    assert (
        "\x1b["
        not in repo.run("diff", "--color", "never", terminal=True, env={"TERM": "xterm"}).out
    )
    assert "\x1b[" not in repo.run("diff", "--color", "always", "--json").out


def test_an_ascii_terminal_gets_ascii(repo: Repo) -> None:
    repo.skill("alpha", "caf\u00e9 \u2192 \u2713\n")
    for words in (["status"], ["diff"], ["push"], ["explain"], ["lint", "-v"]):
        ended = repo.run(*words, encoding="ascii")
        assert ended.exit == 0, ended
        assert (ended.out + ended.err).isascii()


def test_a_narrow_terminal_breaks_nothing(repo: Repo) -> None:
    repo.skill("alpha")
    for words in (["status"], ["diff"], ["plan"], ["explain"], ["explain", "E-AUTH"]):
        ended = repo.run(*words, terminal=True, env={"COLUMNS": "20", "TERM": "xterm"})
        assert ended.exit == 0, ended


def test_text_of_the_other_side_cannot_command_the_terminal(repo: Repo) -> None:
    path = repo.published()
    repo.edit("alpha", body="one\n\n\x1b[2J\u202etwo\n\nthree", description="A \x1b]0;title\x07 b")
    repo.write(path, repo.read(path).replace("two", "two of the file"))
    for words in (["diff"], ["status"], ["pull"], ["conflicts"], ["lint"]):
        ended = repo.run(*words)
        assert "\x1b" not in ended.out + ended.err, words
        assert "\u202e" not in ended.out + ended.err


def test_every_code_a_command_said_is_explained(repo: Repo) -> None:
    repo.write("skills/bad/SKILL.md", "x\n")
    repo.skill("alpha", more="model: big\n")
    repo.write("datasets/rows/items.jsonl", "[]\n")
    said = set()
    for words in (["push"], ["lint", "-v"], ["status"], ["plan"], ["fmt"]):
        ended = repo.run(*words, "--json")
        said |= set(re.findall(r'"([EWN]-[A-Z0-9-]+)"', ended.out))
    assert len(said) >= 3
    for code in sorted(said):
        assert repo.run("explain", code).exit == 0, code


def test_a_mistake_of_ours_is_70_with_a_report_and_one_document(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError(f"oops {repo.world.keys['me']}")

    monkeypatch.setattr("skillsync.sync.push.read_lean_tree", broken)
    repo.skill("alpha")
    ended = repo.run("push", "--json", "-v")
    assert ended.exit == 70
    assert ended.json["error"]["code"] == "E-INTERNAL"
    reports = list((repo.path / ".git/skillsync/reports").iterdir())
    assert len(reports) == 1
    everything = ended.out + ended.err + reports[0].read_text()
    assert repo.world.keys["me"] not in everything


def test_the_server_verbs_say_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'django', 'rest_framework', 'waitress'}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from skillsync.cli.main import main\n"
        "main()\n"
    )
    for words in (["serve", "--json"], ["server-admin", "add-key", "--user", "x", "--json"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        ended = Ended(done.returncode, done.stdout, done.stderr)
        failure(ended, "E-MISSING-EXTRA", 2)
        assert "pip install 'skillsync[server]'" in done.stderr


def test_a_rescue_copy_is_named_as_it_is_listed_or_from_where_one_stands(repo: Repo) -> None:
    path = repo.published()
    before = repo.read(path)
    repo.edit("alpha", body="of the web")
    repo.ok("pull")
    (copy,) = repo.ok("rescue", "--json").json["copies"]
    for words, at in ((path, ""), (path, "skills"), ("SKILL.md", "skills/alpha")):
        assert repo.run("rescue", "show", copy["id"], words, "--json", at=at).json["text"] == before
    assert repo.run("rescue", "show", copy["id"], "SKILL.md", at="skills").exit == 2
    assert repo.run("rescue", "restore", copy["id"], "alpha/SKILL.md", at="skills").exit == 0
    assert repo.read(path) == before
