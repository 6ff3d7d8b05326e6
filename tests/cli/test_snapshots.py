"""What the commands say, word for word, and the shape of every JSON document: changes are additive (design.md 6)."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from typing import Any

from tests.cli.cli_world import Repo, World
from tests.cli.snapshots import Shape, check_shapes, check_text, shape_of, steady

BODY = "# Triage\n\nAsk who is affected.\n\nThen ask since when.\n\nAnswer within an hour.\n"
BAD = "---\nname: bad\ndescription: Use when: always\n---\n\nText.\n"
ROWS = (
    '{"id": "q1", "input": {"subject": "Hi", "body": "Where?"}, "output": "a"}',
    '{"id": "q2", "input": {"subject": "Ho", "body": "When?"}, "output": "b"}',
)


@dataclass
class Story:
    """One repository whose every command is noted: its text, and its exit code."""

    repo: Repo
    said: list[str] = field(default_factory=list)

    def tell(self, title: str) -> None:
        self.said.append(f"\n=== {title}")

    def run(self, *words: str, exits: int = 0, **how: Any) -> None:
        ended = self.repo.run(*words, **how)
        assert ended.exit == exits, ended
        notes = "".join(f"! {line}\n" for line in ended.err.splitlines())
        self.said.append(f"$ skillsync {' '.join(words)}\n{ended.out}{notes}[{ended.exit}]")

    def look(self, *words: str) -> None:
        """Note a reading command in a pipe, on a narrow terminal without colour, in colour, and in ASCII."""
        self.run(*words)
        narrow = {"COLUMNS": "30", "TERM": "xterm", "NO_COLOR": "1"}
        in_pipe, plain, ascii_only = (
            self.repo.run(*words),
            self.repo.run(*words, terminal=True, env=narrow),
            self.repo.run(*words, encoding="ascii"),
        )
        # On a terminal it says how far it is, once it takes longer than half a second, and wipes that again.
        err = re.sub(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)", "", plain.err).replace("\r\x1b[K", "")
        assert (plain.out, err) == (in_pipe.out, in_pipe.err), "only tables are laid out"
        if in_pipe.out.isascii() and in_pipe.err.isascii():
            assert (ascii_only.out, ascii_only.err) == (in_pipe.out, in_pipe.err)
        else:
            self.said.append(f"(in ASCII)\n{ascii_only.out}")
        self.said.append(f"(in colour)\n{self.repo.run(*words, '--color', 'always').out}")


def edit_row(repo: Repo, key: str, **fields: Any) -> None:
    """Change one row in the web page."""
    with repo.web() as client:
        for item in client.get("dataset_items").json()["results"]:
            if item["metadata"]["skillsync_id"] == key:
                assert client.patch(f"dataset_items/{item['id']}", json=fields).status_code == 200


def test_the_main_stories_word_for_word(world: World) -> None:
    repo = world.repository()
    story = Story(repo)
    path = repo.skill("triage", BODY)
    repo.skill("notes", "Be short.\n", more='model: big\nmetadata:\n  owner: "me"\n')
    rows = repo.dataset("rows", *ROWS)
    story.tell("new skills and a new dataset")
    story.run("status")
    story.run("plan")
    story.run("push")
    story.run("status")
    repo.commit()
    story.run("status", "-v")
    story.tell("edited on both sides, in other places")
    repo.edit("triage", description="Sorts tickets.")
    edit_row(repo, "q2", output="B")
    repo.write(
        path, repo.read(path).replace("Then ask", "Then write down").replace("an hour", "a day")
    )
    repo.write(rows, repo.read(rows).replace("Where?", "Whereto?"))
    story.look("status")
    story.look("diff")
    story.look("plan")
    story.run("push", exits=3)
    story.run("pull")
    story.run("push")
    repo.commit()
    story.tell("the same line and the same field edited on both sides")
    repo.edit(
        "triage", body=BODY.replace("an hour", "a week").replace("Then ask", "Then write down")
    )
    repo.write(path, repo.read(path).replace("a day", "a minute"))
    edit_row(repo, "q1", output="A!")
    repo.write(rows, repo.read(rows).replace('"output": "a"', '"output": "A?"'))
    story.run("pull", exits=4)
    story.said.append(repo.read(path).partition("\n\n")[2])
    story.run("status")
    story.run("conflicts", exits=4)
    story.run("push", exits=4)
    story.run("resolve", "triage", exits=1)
    story.run("resolve", "triage", "--local")
    story.run("resolve", "rows:q1", "--remote")
    story.run("push")
    repo.commit()
    story.run("rescue")
    story.tell("removed here")
    shutil.rmtree(repo.path / "skills" / "notes")
    repo.write(rows, repo.read(rows).splitlines()[0] + "\n")
    story.run("status")
    story.run("push")
    story.run("push", "--archive", "notes", "--archive", "rows")
    story.tell("what is wrong")
    repo.write("skills/bad/SKILL.md", BAD)
    repo.dataset("broken", '{"id": "a", "input": 1}', '{"id": "a", "input": 2,}', "[]")
    story.run("lint", exits=1)
    story.run("status")
    story.run("status", "--offline")
    story.run("plan")
    story.run("push", exits=5)
    story.run("fmt", exits=5)
    story.run("status", "trage", exits=2)
    story.run("status", env={"SKILLSYNC_API_KEY": ""}, exits=7)
    check_text("stories.txt", steady("\n".join(story.said)))


@dataclass
class Shapes:
    """The shapes of the documents of one repository's commands, by a name for each case."""

    repo: Repo
    found: dict[str, Shape] = field(default_factory=dict)

    def note(self, case: str, *words: str, exits: int = 0, **how: Any) -> Any:
        ended = self.repo.run(*words, "--json", **how)
        assert ended.exit == exits, ended
        document = json.loads(ended.out)
        schema = document.pop("schema")
        assert document.get("exit", document.get("error", {}).get("exit", exits)) == exits
        self.found[f"{schema}: {case}"] = shape_of(document)
        return document


def test_the_shape_of_every_document(world: World) -> None:
    repo = world.repository()
    shapes = Shapes(repo)
    path = repo.skill("alpha", BODY)
    rows = repo.dataset("rows", *ROWS, '{"input": "no id"}')
    shapes.note("not a published object", "status")
    shapes.note("offline", "status", "--offline")
    shapes.note("new objects", "plan")
    shapes.note("new objects", "diff")
    shapes.note("would change", "fmt", "--check", exits=10)
    shapes.note("created", "push")
    repo.commit()
    for verb in ("status", "diff", "plan", "push", "pull", "conflicts", "lint", "fmt"):
        shapes.note("nothing to do", verb)
    repo.edit("alpha", description="Of the web.")
    repo.write(path, repo.read(path).replace("Then ask", "Then write down"))
    edit_row(repo, "q1", output="A")
    for verb in ("status", "diff", "plan"):
        shapes.note("changed on both sides", verb)
    shapes.note("blocked", "push", exits=3)
    shapes.note("merged", "pull")
    shapes.note("published", "push")
    repo.commit()
    repo.edit("alpha", body="Other.", description="Again.")
    repo.write(path, repo.read(path).replace("Answer", "Reply"))
    edit_row(repo, "q1", output="B")
    repo.write(rows, repo.read(rows).replace('"output": "A"', '"output": "C"'))
    shapes.note("conflict", "pull", exits=4)
    shapes.note("conflict", "status")
    shapes.note("conflict", "plan")
    shapes.note("conflict", "conflicts", exits=4)
    shapes.note("markers are left", "resolve", "alpha", exits=1)
    shapes.note("resolved", "resolve", "alpha", "--local")
    shapes.note("resolved row", "resolve", "rows:q1", "--remote")
    repo.ok("push")
    repo.commit()
    copies = shapes.note("with copies", "rescue", "list")["copies"]
    shapes.note("one file", "rescue", "show", copies[0]["id"], copies[0]["files"][0]["path"])
    shapes.note("restored", "rescue", "restore", copies[0]["id"])
    shapes.note("a skill", "log", "alpha")
    shapes.note("a skill", "show", "alpha@1")
    shapes.note("a skill", "diff", "alpha@1", "alpha@2")
    shapes.note("a dataset without versions", "log", "rows")
    shapes.note("a dataset without versions", "show", "rows@1", exits=2)
    shapes.note("linked", "adopt", "alpha", "--local")
    shapes.note("pending", "push")
    repo.write("skills/bad/SKILL.md", BAD)
    repo.dataset("broken", "[]")
    for verb, exits in (
        ("status", 0),
        ("plan", 0),
        ("diff", 0),
        ("lint", 1),
        ("push", 5),
        ("fmt", 5),
    ):
        shapes.note("invalid objects", verb, exits=exits)
    shapes.note("one code", "explain", "E-AUTH")
    shapes.note("hosts", "trust", "--list")
    repo.write("table.csv", "question;answer;topic\nWho?;I;a\n")
    shapes.note("shown", "dataset", "import", "table.csv", "--drop", "topic", "--dry-run")
    shapes.note("written", "dataset", "import", "table.csv")
    shapes.note("written", "dataset", "export", "table", "--format", "hf", "-o", "out.jsonl")
    shapes.note("there already", "dataset", "export", "table", "-o", "out.jsonl", exits=2)
    _failures(shapes, world)
    check_shapes("shapes.json", shapes.found)


def _failures(shapes: Shapes, world: World) -> None:
    shapes.note("usage", "status", "--nonsense", exits=2)
    shapes.note("unknown name", "status", "nobody", exits=2)
    shapes.note("no key", "status", env={"SKILLSYNC_API_KEY": ""}, exits=7)
    wrong = "version = 1\nskills = 5\n[targets.local]\nhost = 'x'\nproject = 1\n"
    shapes.repo = world.repository(config=wrong)
    shapes.note("settings", "status", exits=2)
    shapes.note(
        "target is not reachable", "init", "--host", "http://127.0.0.1:9", "--project", "1", exits=2
    )
    shapes.repo = world.repository(config="version = 1\n")
    words = ("init", "--project", str(shapes.repo.number), "--host")
    shapes.note("checked", *words, world.url)
