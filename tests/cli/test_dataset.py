"""`skillsync dataset import` and `export`: a file comes in as a new dataset, nothing is overwritten, and it comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillsync.repo.git import Repository
from skillsync.repo.worktree import read_folders
from tests.cli.cli_world import Ended, skillsync
from tests.world import git

SETTINGS = 'version = 1\ndatasets = ["datasets"]\n'
TABLE = '\ufeffquestion;answer;topic\n"Who\nis it?";I;a\nWhere?;"Her""e";\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "skillsync.toml").write_text(SETTINGS)
    return tmp_path


def ok(clone: Path, *words: str) -> Ended:
    ended = skillsync(clone, *words)
    assert ended.exit == 0, ended
    return ended


def items(clone: Path, slug: str) -> list[dict[str, object]]:
    data = (clone / "datasets" / slug / "items.jsonl").read_text("utf-8")
    return [json.loads(line) for line in data.splitlines()]


def test_a_table_becomes_a_dataset(clone: Path) -> None:
    (clone / "Support Mails.csv").write_text(TABLE, "utf-8")
    shown = ok(clone, "dataset", "import", "Support Mails.csv", "--dry-run")
    assert not (clone / "datasets").exists()
    said = ok(clone, "dataset", "import", "Support Mails.csv")
    assert said.out.startswith(shown.out.split("row ")[0])
    for words in ("2 rows of CSV", "input from question", "expected_output from answer", "below metadata: topic",
                  "2 without an id", "the first 2 of 2:", "  | Who", "wrote datasets/support-mails"):  # fmt: skip
        assert words in said.out
    rows = items(clone, "support-mails")
    assert [row.pop("id") != "" for row in rows] == [True, True]
    assert rows == [
        {"input": "Who\nis it?", "expected_output": "I", "metadata": {"topic": "a"}},
        {"input": "Where?", "expected_output": 'Her"e'},
    ]
    text = (clone / "datasets/support-mails/DATASET.md").read_text()
    assert text == "---\nname: Support Mails\n---\n"
    assert ok(clone, "lint").out == "no findings\n"
    assert ok(clone, "fmt", "--check").out == "nothing to change\n"


def test_nothing_is_imported_over_a_dataset(clone: Path) -> None:
    (clone / "rows.jsonl").write_text('{"id": "a", "input": 1}\n')
    ok(clone, "dataset", "import", "rows.jsonl", "--name", "Rows")
    before = (clone / "datasets/rows/items.jsonl").read_bytes()
    ended = skillsync(clone, "dataset", "import", "rows.jsonl", "--json")
    assert (ended.exit, ended.json["error"]["code"]) == (2, "E-USAGE")
    assert "datasets/rows is there already" in ended.json["error"]["message"]
    assert (clone / "datasets/rows/items.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("data", "words", "code", "line", "said"),
    [
        ('{"input": 1}\n{"input": 2,}\n', (), "E-INVALID", 2, "column 13"),
        ('{"a": 1}\n', (), "E-INVALID", None, "none of 'a'"),
        ('{"id": "x", "input": 1}\n\n{"id": "x", "input": 2}\n', ("--map", "id=id"), "E-INVALID", 3, "there twice"),
        ('{"input": 1}\n{"input": 2, "metadata": {"skillsync_id": 1}}\n', (), "E-INVALID", 2, "reserved"),
        ('{"input": 1}\n', ("--map", "nonsense"), "E-USAGE", None, "is not FIELD=NAME"),
        ('{"input": 1}\n', ("--name", "x" * 401), "E-USAGE", None, "cannot be a dataset's name"),
        (None, (), "E-USAGE", None, "there is no file rows.jsonl"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_nothing_is_written(
    clone: Path, data: str | None, words: tuple[str, ...], code: str, line: int | None, said: str
) -> None:
    if data is not None:
        (clone / "rows.jsonl").write_text(data)
    ended = skillsync(clone, "dataset", "import", "rows.jsonl", *words, "--json")
    error = ended.json["error"]
    assert (error["code"], error.get("line")) == (code, line)
    assert said in error["message"]
    assert not (clone / "datasets").exists()


def test_the_new_folders_own_settings_are_kept(clone: Path) -> None:
    more = '[dataset.rows]\nkeys = "content"\nfields = { input = "vars" }\n'
    (clone / "skillsync.toml").write_text(SETTINGS + more)
    (clone / "rows.jsonl").write_text('{"prompt": "a"}\n{"prompt": "a"}\n{"prompt": "b"}\n')
    ok(clone, "dataset", "import", "rows.jsonl")
    assert items(clone, "rows") == [{"vars": "a"}, {"vars": "a"}, {"vars": "b"}]
    out = ok(clone, "dataset", "export", "rows").out
    keys = [json.loads(line)["id"] for line in out.splitlines()]
    assert keys[1] == f"{keys[0]}-2"
    assert all(key.startswith("h-") for key in keys)


def test_what_is_exported_can_be_imported(clone: Path) -> None:
    rows = '{"id": "a", "input": {"q": 1}, "output": "x"}\n{"id": "b", "input": "t", "metadata": {"n": 1.5}}\n'
    (clone / "rows.jsonl").write_text(rows)
    ok(clone, "dataset", "import", "rows.jsonl")
    for form in ("jsonl", "csv", "hf"):
        name = f"copy.{form}"
        ok(clone, "dataset", "export", "datasets/rows", "--format", form, "-o", name)
        printed = ok(clone, "dataset", "export", "rows", "--format", form).out
        assert printed == (clone / name).read_bytes().decode()
        ok(clone, "dataset", "import", name, "--name", form)
        assert items(clone, form) == items(clone, "rows")
        again = skillsync(clone, "dataset", "export", "rows", "-o", name)
        assert (again.exit, "is there already" in again.err) == (2, True)


def test_documents_say_the_same_as_the_words(clone: Path) -> None:
    (clone / "rows.csv").write_text(TABLE, "utf-8")
    told = ok(clone, "dataset", "import", "rows.csv", "--drop", "topic", "--json").json
    assert told["schema"] == "skillsync.dataset.import/1"
    assert (told["format"], told["rows"], told["new_keys"], told["written"]) == ("csv", 2, 2, True)
    assert told["fields"][0] == {"field": "input", "from": ["question"], "json_text": False}
    assert told["dropped"] == ["topic"]
    told = ok(clone, "dataset", "export", "rows", "-o", "out.jsonl", "--json").json
    assert told == {"schema": "skillsync.dataset.export/1", "file": "out.jsonl", "format": "jsonl", "rows": 2, "exit": 0}  # fmt: skip
    assert skillsync(clone, "dataset", "export", "rows", "--json").exit == 2
    assert skillsync(clone, "dataset", "export", "nobody").exit == 2


def test_a_dataset_may_allow_longer_lines_and_files_or_shorter_ones(clone: Path) -> None:
    folder = clone / "datasets" / "rows"
    folder.mkdir(parents=True)
    long = json.dumps({"id": "a", "input": "x" * 1_000_000})
    (folder / "items.jsonl").write_text(f'{{"id": "b", "input": 1}}\n{long}\n')
    refused = skillsync(clone, "lint")
    assert (refused.exit, "rows/items.jsonl:2:1000001: the line has 1,000,024 bytes" in refused.err) == (1, True)  # fmt: skip
    (clone / "skillsync.toml").write_text(f"{SETTINGS}[dataset.rows]\nmax_line_bytes = 1_000_024\n")
    assert ok(clone, "lint").out == "no findings\n"
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "rows")
    (clone / "skillsync.toml").write_text(
        f"{SETTINGS}[dataset.rows]\nmax_line_bytes = 2_000_000\nmax_file_bytes = 1_000_000\n"
    )
    refused = skillsync(clone, "lint")
    assert (refused.exit, "bytes, at most 1,000,000 are read" in refused.err) == (1, True)


def test_a_file_that_no_dataset_may_have_is_not_even_read(clone: Path) -> None:
    folder = clone / "datasets" / "rows"
    folder.mkdir(parents=True)
    (folder / "items.jsonl").write_text('{"id": "b", "input": 1}\n')
    for items_limit, data in ((5, None), (100, b'{"id": "b", "input": 1}\n')):
        (read,) = read_folders(
            Repository.open(clone), dataset_roots=["datasets"], items_limit=items_limit
        ).datasets
        entry = read.entry("items.jsonl")
        assert entry is not None
        assert (entry.data, entry.size) == (data, 24)
