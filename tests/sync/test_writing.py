"""Writing in batches: one object's trouble is its own, and what crashed is finished whoever edited since."""

from __future__ import annotations

import shutil

from skillsync.model import FileChange, Folder
from tests.failing import Crash, FailingDisk, as_disk
from tests.sync.crash import check_no_leftovers
from tests.sync.harness import Clone


def change(text: str, before: str | None = None) -> list[FileChange]:
    return [FileChange("SKILL.md", None if before is None else before.encode(), text.encode())]


def test_in_a_batch_one_changed_file_fails_its_object_alone(solo: Clone) -> None:
    solo.write("skills/b/SKILL.md", "edited meanwhile")
    writer = solo.writer()
    with writer.batched() as late:
        for name in ("a", "b", "c"):
            writer.write(name, Folder(f"skills/{name}", ()), change("new"), (), reason="pull")
    assert list(late) == ["b"]
    assert late["b"].code == "E-LOCAL-CHANGED"
    found = {name: solo.read(f"skills/{name}/SKILL.md") for name in ("a", "b", "c")}
    assert found == {"a": "new", "b": "edited meanwhile", "c": "new"}
    check_no_leftovers(solo)


def test_an_edit_between_crash_and_recovery_survives(solo: Clone) -> None:
    solo.writer().recover()
    counting = FailingDisk()
    solo.disk = as_disk(counting)
    write = [FileChange("SKILL.md", None, b"new"), FileChange("b.md", None, b"new")]
    solo.writer().write("a", Folder("skills/a", ()), write, (), reason="pull")
    for k in range(1, counting.count + 1):
        shutil.rmtree(solo.path / "skills")
        solo.disk = as_disk(FailingDisk(k, when="torn"))
        try:
            solo.writer().write("a", Folder("skills/a", ()), write, (), reason="pull")
        except Crash:
            solo.write("skills/a/SKILL.md", "edited since")
        solo.disk = as_disk(FailingDisk())
        solo.writer().recover()
        assert solo.read("skills/a/SKILL.md") == "edited since", k
        check_no_leftovers(solo)


def test_leftovers_go_though_the_journal_was_deleted(solo: Clone) -> None:
    solo.write("skills/a/.skillsync-tmp-1-1", "half")
    shutil.rmtree(solo.path / ".git/skillsync", ignore_errors=True)
    assert solo.writer().recover() == []
    check_no_leftovers(solo)
