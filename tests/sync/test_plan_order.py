"""A plan is a function of what is there: no order of a listing or of files, and no hour, makes another one (P8)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import httpx

from skillsync.core.plan import Plan
from skillsync.sync.plan import make_plan
from tests.sync.dataset_steps import wrapped
from tests.sync.harness import Clone, Live


def row(key: str, text: str) -> str:
    return json.dumps({"id": key, "input": text})


def in_many_states(solo: Clone, live: Live) -> None:
    """Skills and rows that are new, edited, edited there, edited on both sides, removed here, removed there."""
    names = ("ahead", "behind", "both", "gone", "same")
    for name in names:
        solo.skill(name)
        solo.write(f"skills/{name}/a.md", "a\n")
    path = solo.dataset("cases", [row(name, name) for name in names])
    assert solo.push().exit == 0
    solo.commit()
    (dataset,) = live.datasets()
    for name in ("behind", "both"):
        live.edit_body(name, "two", f"two of {name}")
        live.patch_row(live.row(dataset["id"], name)["id"], input=f"{name} there")
    for name in ("ahead", "both"):
        solo.replace(f"skills/{name}/SKILL.md", "one", f"one of {name}")
    shutil.rmtree(solo.path / "skills/gone")
    live.create("born-there")
    solo.skill("born-here")
    lines = [row("ahead", "ahead!"), row("behind", "behind"), row("both", "both!"),
             row("same", "same"), row("new", "new")]  # fmt: skip
    solo.write(path, "".join(f"{line}\n" for line in lines))
    live.add_row(dataset["id"], input="from there")


def backwards(_: httpx.Request, response: httpx.Response) -> httpx.Response:
    """Turn the order of every list and of every object's keys around."""
    response.read()
    turned = json.dumps(turn(response.json())).encode() if response.content else b""
    headers = {k: v for k, v in response.headers.items() if k.lower() != "content-length"}
    stream = httpx.ByteStream(turned)
    return httpx.Response(response.status_code, headers=headers, stream=stream)


def turn(value: object) -> object:
    if isinstance(value, dict):
        items = {key: turn(each) for key, each in reversed(value.items())}
        if isinstance(each := items.get("results"), list):
            items["results"] = each[::-1]
        return items
    return [turn(each) for each in value] if isinstance(value, list) else value


def other_order(clone: Clone, path: Path) -> Clone:
    """Copy a clone file by file, the last one first, each with a time of its own."""
    files = sorted((one for one in clone.path.rglob("*") if not one.is_dir()), reverse=True)
    for number, file in enumerate(files):
        new = path / file.relative_to(clone.path)
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, new)
        if ".git" not in new.relative_to(path).parts:
            os.utime(new, (number, 2_000_000_000 - number))
    for folder in clone.path.rglob("*"):
        if folder.is_dir():
            (path / folder.relative_to(clone.path)).mkdir(parents=True, exist_ok=True)
    return Clone(clone.live, path, clone.user)


def plans(clone: Clone) -> tuple[Plan, Plan]:
    with clone.connect(clone.target) as remote:
        return make_plan(clone.workspace, clone.target, remote)


def test_another_order_and_another_hour_make_the_same_plan(
    solo: Clone, live: Live, tmp_path: Path
) -> None:
    in_many_states(solo, live)
    push, pull = plans(solo)
    assert {str(one.effect) for one in (*push.actions, *push.pending)} >= {
        "create",
        "update",
        "remove",
    }
    assert {str(one.effect) for one in pull.actions} >= {"create", "update", "merge"}
    other = other_order(solo, tmp_path / "other")
    other.clock.seconds += 10**8
    wrapped(other).after = backwards
    assert plans(other) == (push, pull)
