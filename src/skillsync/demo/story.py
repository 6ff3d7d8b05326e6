"""The story: what the two people do, in which order, and what must be true after each step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillsync.demo.teller import Teller
from skillsync.demo.web_page import WebPage

SKILL = "support-triage"
SKILL_FILE = f"skills/{SKILL}/SKILL.md"
ROWS = "datasets/ticket-routing/items.jsonl"
ROWS_NAME = "Ticket routing"
KEYLESS = "datasets/release-note-style/items.jsonl"
ROW = "tr-0001"

FOUR_HOURS = "- Answer within four hours on weekdays."
TWO_HOURS = "- Answer within two hours on weekdays."
ONE_HOUR = "- Answer within one hour on weekdays."
THREE_HOURS = "- Answer within three hours on weekdays."
FIRST_NAME = "- Sign every reply with your first name."
FULL_SIGNATURE = "- Sign every reply with your first name and your team."


@dataclass(frozen=True, slots=True)
class Published:
    """What the server holds in the end: versions by skill, and row counts by dataset."""

    skills: Mapping[str, int]
    datasets: Mapping[str, int]


def tell(teller: Teller, web: WebPage) -> Published:
    """Tell the story from the first push to a clean status. Raises DemoFailed where it does not hold."""
    publish_everything(teller, web)
    edit_far_apart(teller, web)
    edit_the_same_line(teller, web)
    edit_one_row(teller, web)
    return end_clean(teller, web)


def publish_everything(teller: Teller, web: WebPage) -> None:
    """Push five skills and two datasets for the first time."""
    teller.step("Everything is published")
    keyless = [row for row in read_rows(teller.root / KEYLESS) if "id" not in row]
    teller.check(len(keyless) == 10, "ten rows of the sample have no id")
    teller.skillsync("push")
    published = what_is_published(web)
    teller.check(len(published.skills) == 5, "five skills are on the server")
    number = web.created
    teller.check(set(published.skills.values()) == {number}, f"each skill has version {number}")
    teller.check(
        sorted(published.datasets.values()) == [10, 150], "both datasets have all their rows"
    )
    ids = {row.get("id") for row in read_rows(teller.root / KEYLESS)}
    teller.check(len(ids) == 10 and None not in ids, "the ten rows without an id have one now")
    teller.say("The 10 rows of release-note-style had no id, so push gave each line one: that is")
    teller.say("how a row is recognised later. The .skillsync files say what was published.")
    commit(teller, "Published")


def edit_far_apart(teller: Teller, web: WebPage) -> None:
    """Both people edit one skill in different places: blocked, merged, published."""
    teller.step("Two people edit the same skill in different places")
    edit_file(teller, SKILL_FILE, FIRST_NAME, FULL_SIGNATURE)
    edit_page(teller, web, FOUR_HOURS, TWO_HOURS)
    teller.out.data()
    teller.say("A push now would overwrite Wanda's edit, so it is blocked:")
    teller.skillsync("push", exits=3)
    detail = web.skill(SKILL)
    teller.check(
        detail["version"] == web.created + 1 and TWO_HOURS in detail["body"],
        "the blocked push changed nothing",
    )
    teller.say("Pull merges both edits, push publishes the result:")
    teller.skillsync("pull")
    text = read_text(teller.root / SKILL_FILE)
    teller.check(TWO_HOURS in text and FULL_SIGNATURE in text, "both edits are in the file")
    teller.git("diff", "--unified=0", "--", SKILL_FILE)
    teller.skillsync("push")
    detail = web.skill(SKILL)
    number = web.created + 2
    teller.check(detail["version"] == number, f"version {number} is published")
    teller.check(
        TWO_HOURS in detail["body"] and FULL_SIGNATURE in detail["body"],
        "both edits are on the server",
    )
    commit(teller, "Sign with the team, answer within two hours")


def edit_the_same_line(teller: Teller, web: WebPage) -> None:
    """Both people edit one line: a person decides, and nothing is lost."""
    teller.step("Two people edit the same line")
    edit_file(teller, SKILL_FILE, TWO_HOURS, THREE_HOURS)
    edit_page(teller, web, TWO_HOURS, ONE_HOUR)
    teller.out.data()
    teller.say("No program can know which is right. Pull says so and marks the place:")
    teller.skillsync("pull", exits=4)
    text = read_text(teller.root / SKILL_FILE)
    teller.check("<<<<<<< " in text and ">>>>>>> " in text, "the file is marked")
    teller.check(THREE_HOURS in text and ONE_HOUR in text, "the file shows both sides")
    teller.skillsync("conflicts", exits=4)
    teller.git("diff", "--", SKILL_FILE)
    teller.say("Edit the file and run `skillsync resolve support-triage`, or choose a side:")
    teller.skillsync("resolve", SKILL, "--local")
    text = read_text(teller.root / SKILL_FILE)
    teller.check(THREE_HOURS in text and ONE_HOUR not in text, "the file holds your line")
    teller.check("<<<<<<<" not in text and ">>>>>>>" not in text, "no marker is left")
    teller.skillsync("push")
    detail, hers = web.skill(SKILL), web.created + 3
    teller.check(
        detail["version"] == hers + 1 and THREE_HOURS in detail["body"],
        f"version {hers + 1} has your line",
    )
    teller.check(
        ONE_HOUR in web.skill(SKILL, version=hers)["body"],
        f"version {hers} still has Wanda's line",
    )
    teller.say(f"Wanda's line is not lost: it is version {hers} in the server's history.")
    commit(teller, "Answer within three hours")


def edit_one_row(teller: Teller, web: WebPage) -> None:
    """Both people edit one row of a dataset in different fields."""
    teller.step("Two people edit the same row of a dataset")
    path = teller.root / ROWS
    before, after = (
        '"output": {"queue": "billing", "priority": "normal"}',
        '"output": {"queue": "billing", "priority": "low"}',
    )
    first, rest = read_text(path).split("\n", 1)
    teller.check(f'"id": "{ROW}"' in first and before in first, f"{ROW} is the first row")
    teller.edit("You edit", f"row {ROW} in {ROWS}", before, after)
    path.write_text(f"{first.replace(before, after)}\n{rest}", "utf-8", newline="")
    row = web.row(ROWS_NAME, ROW)
    teller.check(row["metadata"].get("source") == "email", f"{ROW} came in by e-mail")
    web.edit_row(row, metadata={**row["metadata"], "source": "web-form"})
    teller.edit(
        "Wanda edits", f"row {ROW} in the web page", '"source": "email"', '"source": "web-form"'
    )
    teller.out.data()
    teller.say("Rows are merged by field:")
    teller.skillsync("diff", "ticket-routing")
    teller.skillsync("push", exits=3)
    teller.skillsync("pull")
    local = next(each for each in read_rows(path) if each.get("id") == ROW)
    teller.check(local["output"]["priority"] == "low", "the row has your priority")
    teller.check(local["metadata"]["source"] == "web-form", "the row has Wanda's source")
    teller.skillsync("push")
    row = web.row(ROWS_NAME, ROW)
    teller.check(row["output"]["priority"] == "low", "the server's row has your priority")
    teller.check(row["metadata"]["source"] == "web-form", "the server's row has Wanda's source")
    commit(teller, f"{ROW}: low priority, from the web form")


def end_clean(teller: Teller, web: WebPage) -> Published:
    """Look at where everything stands: nothing to do anywhere."""
    teller.step("Nothing is left to do")
    teller.skillsync("status")
    _, document = teller.look("skillsync", "status", "--json")
    teller.check(json.loads(document)["clean"] is True, "status is clean")
    teller.git("log", "--oneline")
    _, changed = teller.look("git", "status", "--porcelain")
    teller.check(not changed, "everything is committed")
    return what_is_published(web)


# ---------------------------------------------------------------- what the steps are made of


def commit(teller: Teller, message: str) -> None:
    """Commit everything, pointers included, and make sure that nothing is left over."""
    teller.git("add", "--all")
    teller.git("commit", "--quiet", "--message", message)
    _, changed = teller.look("git", "status", "--porcelain")
    teller.check(not changed, "the commit holds everything")


def edit_file(teller: Teller, path: str, before: str, after: str) -> None:
    """Your edit, in the file."""
    text = read_text(teller.root / path)
    teller.check(text.count(before) == 1, f"{path} says once: {before}")
    (teller.root / path).write_text(text.replace(before, after), "utf-8", newline="")
    teller.edit("You edit", path, before, after)


def edit_page(teller: Teller, web: WebPage, before: str, after: str) -> None:
    """Wanda's edit, in the web page."""
    number = web.edit_skill(SKILL, before, after)
    teller.edit(
        "Wanda edits", f"{SKILL} in the web page (that makes version {number})", before, after
    )


def what_is_published(web: WebPage) -> Published:
    """Ask the server what it holds."""
    return Published(
        {skill["name"]: int(skill["version"]) for skill in web.skills()},
        {dataset["name"]: len(web.rows(dataset["id"])) for dataset in web.datasets()},
    )


def read_text(path: Path) -> str:
    """Return a file's text with its own line ends."""
    return path.read_bytes().decode()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON Lines file."""
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
