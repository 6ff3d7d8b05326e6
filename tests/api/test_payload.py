"""What a publish sends, and that it comes back as the same skill."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsync.api.payload import SkillPayload, published_from, skill_payload
from skillsync.api.reading import manifest_from, skill_from, version_from
from skillsync.api.skills import SkillsApi
from skillsync.errors import BadAnswer, InvalidContent
from skillsync.formats.canonical import canonical_text, same_skill, skill_digest
from skillsync.formats.skill_folder import SkillReading, read_skill
from skillsync.model import Entry, Folder, RemoteFile, RemoteSkill
from tests.api.samples import detail

HEAD = "---\nname: alpha\ndescription: Does it.\n"
PLAIN = f"{HEAD}---\n\n# Alpha\n"


def reading(
    document: str = PLAIN, files: dict[str, bytes] | None = None, executable: tuple[str, ...] = ()
) -> SkillReading:
    """A skill's folder with these files."""
    entries = {"SKILL.md": document.encode(), **(files or {})}
    found = read_skill(
        Folder(
            "skills/alpha",
            tuple(
                Entry(path, data, len(data), executable=path in executable)
                for path, data in sorted(entries.items())
            ),
        )
    )
    assert found.skill is not None, found.problems
    return found


def remote(files: dict[str, str] | None = None, **changes: Any) -> RemoteSkill:
    """A version as the server tells it."""
    stored = [RemoteFile(path, text, "text/x-old") for path, text in (files or {}).items()]
    listed = [{"path": file.path, "content_type": file.content_type} for file in stored]
    found = detail(files=listed, **changes)
    return skill_from(found, stored, version=version_from(found))


def sent_files(payload: SkillPayload) -> dict[str, tuple[str, str]]:
    files = payload.fields["files"]
    assert isinstance(files, list)
    return {
        str(file["path"]): (str(file["content"]), str(file["content_type"]))
        for file in files
        if isinstance(file, dict)
    }


# ---------------------------------------------------------------- what is sent


def test_every_field_is_sent_also_the_empty_ones() -> None:
    payload = skill_payload(reading(), previous=None)
    assert payload.fields == {
        "description": "Does it.",
        "body": payload.fields["body"],
        "license": "",
        "compatibility": "",
        "allowed_tools": [],
        "metadata": {},
        "files": [],
    }
    assert (payload.name, payload.first) == ("alpha", "")


def test_texts_go_as_they_are_in_the_files() -> None:
    payload = skill_payload(
        reading(PLAIN.replace("\n", "\r\n"), {"a.md": b"  x\r\ny\n\n"}), previous=None
    )
    assert "# Alpha\r\n" in str(payload.fields["body"])
    assert sent_files(payload)["a.md"][0] == "  x\r\ny\n\n"


def test_a_stored_type_stays_and_a_new_one_is_from_our_table() -> None:
    local = reading(files={"old.md": b"x", "new.py": b"y"})
    payload = skill_payload(local, previous=remote({"old.md": "x"}))
    assert {path: kind for path, (_, kind) in sent_files(payload).items()} == {
        "old.md": "text/x-old",
        "new.py": "text/x-python",
    }


def test_another_content_replaces_the_folders_and_keeps_equal_texts_as_they_are() -> None:
    local = reading(files={"same.md": b"x\r\n", "other.md": b"y"})
    wanted = remote({"same.md": "x", "other.md": "z"}, body="# Beta").content
    payload = skill_payload(local, previous=remote(), skill=wanted)
    assert payload.fields["body"] == "# Beta"
    assert {path: text for path, (text, _) in sent_files(payload).items()} == {
        "same.md": "x\r\n",
        "other.md": "z",
    }


def test_what_the_api_cannot_hold_is_carried() -> None:
    local = reading(
        f"{HEAD}model: fast\n---\n\nBody\n", {"run.sh": b"echo", "x/__init__.py": b""}, ("run.sh",)
    )
    metadata = skill_payload(local, previous=None).fields["metadata"]
    assert isinstance(metadata, dict)
    carried = json.loads(str(metadata["skillsync"]))
    assert carried["frontmatter"] == {"model": "fast"}
    assert carried["executable"] == ["run.sh"]
    assert carried["empty"] == ["x/__init__.py"]


def test_a_skill_that_carried_something_keeps_an_entry_that_says_nothing() -> None:
    before = remote(metadata={"skillsync": '{"v":1,"executable":["a"]}'}, files={"a": "x"})
    assert before.carried
    metadata = skill_payload(reading(), previous=before).fields["metadata"]
    assert metadata == {"skillsync": '{"v":1}'}
    assert skill_payload(reading(), previous=remote()).fields["metadata"] == {}


def test_a_tool_with_a_space_is_carried_and_the_list_stays_as_the_server_has_it() -> None:
    local = reading(f"{HEAD}allowed-tools: Read Bash(git add *)\n---\n\nBody\n")
    created = skill_payload(local, previous=None)
    assert created.fields["allowed_tools"] == []
    later = skill_payload(local, previous=remote(allowed_tools=["Read", "Old"]))
    assert later.fields["allowed_tools"] == ["Read", "Old"]
    metadata = later.fields["metadata"]
    assert isinstance(metadata, dict)
    assert "Bash(git add *)" in str(metadata["skillsync"])


def test_files_that_are_never_written_here_are_carried_along() -> None:
    before = remote({".DS_Store": "junk", "pkg/x.pyc": "junk", "a.md": "x"})
    assert before.content.files == {"a.md": "x"}
    payload = skill_payload(reading(files={"b.md": b"y"}), previous=before)
    assert sorted(sent_files(payload)) == [".DS_Store", "b.md", "pkg/x.pyc"]
    assert sent_files(payload)[".DS_Store"] == ("junk", "text/x-old")


def test_an_empty_file_on_the_server_survives_where_no_file_changed() -> None:
    before = remote({"x/__init__.py": "", "a.md": "x"})
    local = reading(files={"x/__init__.py": b"", "a.md": b"x\n"})
    payload = skill_payload(local, previous=before)
    assert "files" not in payload.fields
    assert [file.path for file in payload.files] == ["a.md", "x/__init__.py"]


def test_an_empty_file_on_the_server_and_a_change_beside_it_cannot_be_sent() -> None:
    before = remote({"x/__init__.py": "", "a.md": "x"})
    local = reading(files={"x/__init__.py": b"", "a.md": b"changed"})
    with pytest.raises(InvalidContent, match="__init__") as caught:
        skill_payload(local, previous=before)
    assert caught.value.path == "x/__init__.py"


def test_an_empty_file_that_is_gone_here_goes_there_too() -> None:
    payload = skill_payload(reading(files={"a.md": b"x"}), previous=remote({"e": "", "a.md": "x"}))
    assert sorted(sent_files(payload)) == ["a.md"]


def test_a_folder_without_a_valid_skill_sends_nothing() -> None:
    broken = read_skill(Folder("skills/x", (Entry("SKILL.md", b"nothing", 7),)))
    with pytest.raises(InvalidContent):
        skill_payload(broken, previous=None)


# ---------------------------------------------------------------- what comes back


def test_a_blank_file_and_a_never_written_one_are_no_content_but_are_known() -> None:
    found = remote({"e.md": " \n", ".DS_Store": "x", "a.md": " a\r\n"})
    assert found.content.files == {"a.md": "a"}
    assert [file.path for file in found.files] == [".DS_Store", "a.md", "e.md"]
    assert found.unsendable == ("e.md",)
    assert found.content.extra is None


def test_metadata_is_read_as_text_and_without_our_entry() -> None:
    found = remote(metadata={"a": 1, "b": {"c": [True, None, 1.0]}, "skillsync": "garbage"})
    assert found.content.metadata == {"a": "1", "b": {"c": ["true", "null", "1.0"]}}
    assert found.content.extra is None
    assert not found.carried


def test_a_carried_tool_list_counts_and_the_stored_one_is_kept() -> None:
    carry = json.dumps({"v": 1, "frontmatter": {"allowed-tools": ["Bash(git add *)"]}})
    found = remote(allowed_tools=["Read"], metadata={"skillsync": carry})
    assert found.content.allowed_tools == ("Bash(git add *)",)
    assert found.stored_tools == ("Read",)


def test_a_manifest_is_sorted_and_bounded() -> None:
    listed = [{"path": f"{n}.md", "content_type": "x"} for n in (3, 1, 2)]
    manifest = manifest_from(detail(files=listed), name="alpha")
    assert [entry.path for entry in manifest] == ["1.md", "2.md", "3.md"]
    endless = [{"path": f"{n}.md", "content_type": "x"} for n in range(1_001)]
    with pytest.raises(BadAnswer):
        manifest_from(detail(files=endless), name="alpha")


def test_a_publish_that_copied_the_files_reads_them_as_they_were() -> None:
    before = remote({"e.md": "", "a.md": " x\n"})
    payload = skill_payload(reading(files={"e.md": b"", "a.md": b"x"}), previous=before)
    listed = [{"path": path, "content_type": "text/x-old"} for path in ("e.md", "a.md")]
    got = published_from(detail(version=2, files=listed), payload=payload, number=2)
    assert got.skill.files == before.files


# ---------------------------------------------------------------- there and back


def test_a_rich_skill_comes_back_with_the_same_digest(skills: SkillsApi) -> None:
    local = reading(
        f"{HEAD}license: MIT\nmetadata:\n  version: 1.0\n  updated: 2026-02-06\nmodel: fast\n"
        "allowed-tools: [Read, Bash(git add *)]\n---\n\n  indented\n\n# Alpha\r\n",
        {
            "run.sh": b"#!/bin/sh\n",
            "pkg/__init__.py": b"",
            "crlf.txt": b"a\r\nb\r\n",
            "bom.txt": b"\xef\xbb\xbfx",
            "logo.png": b"\x89PNG\x00\xff",
        },
        ("run.sh",),
    )
    created = skills.create(skill_payload(local, previous=None))
    found = skills.read("alpha")
    assert found == created.skill
    assert local.skill is not None
    assert skill_digest(found.content) == skill_digest(local.skill)
    assert found.omitted == ("logo.png",)
    again = skills.publish("alpha", base=1, payload=skill_payload(local, previous=found))
    assert skill_digest(again.skill.content) == skill_digest(local.skill)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
paths = st.sampled_from(["a.md", "b/c.py", "d e.txt", "ü.md", "x/__init__.py"])


def _stored(payload: SkillPayload) -> RemoteSkill:
    """What a trimming server answers to a create."""
    fields = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in payload.fields.items()
    }
    files = [
        {"path": file.path, "content_type": file.content_type} for file in reversed(payload.files)
    ]
    answered = {**detail(), **fields, "files": files}
    return published_from(answered, payload=payload, number=1).skill


@given(
    st.dictionaries(paths, texts, max_size=4),
    texts.filter(lambda t: bool(canonical_text(t)) and "---" not in t),
    st.sets(paths),
)
def test_any_skill_read_back_is_the_skill_that_was_sent(
    files: dict[str, str], body: str, executable: set[str]
) -> None:
    found = read_skill(
        Folder(
            "skills/alpha",
            tuple(
                Entry(path, data, len(data), executable=path in executable)
                for path, data in sorted(
                    {
                        "SKILL.md": f"{HEAD}---\n{body}".encode(),
                        **{path: text.encode() for path, text in files.items()},
                    }.items()
                )
            ),
        )
    )
    if found.skill is None:
        return
    stored = _stored(skill_payload(found, previous=None))
    assert same_skill(stored.content, found.skill)
    again = _stored(skill_payload(found, previous=stored))
    assert again.content == stored.content
