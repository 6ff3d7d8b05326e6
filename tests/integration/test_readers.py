"""Other people's libraries read our items.jsonl as it is, and what we export for them (`make test-readers`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from skillsync.formats.jsonl import append_rows, empty_items, parse_items, render_items
from skillsync.formats.row_export import ExportForm, export_rows
from skillsync.model import Json, Key, Row

READERS = {
    "datasets": """
from datasets import load_dataset
rows = load_dataset("json", data_files=path, split="train", cache_dir=folder)
found = [dict(row) for row in rows]
""",
    "pandas": """
import pandas
table = pandas.read_json(path, lines=True, dtype=False, convert_dates=False)
found = table.astype(object).where(table.notna(), None).to_dict("records")
""",
    "duckdb": """
import duckdb
got = duckdb.sql(f"select * from read_json('{path}', format = 'newline_delimited')")
found = [dict(zip(got.columns, row)) for row in got.fetchall()]
""",
}
TABLES = {
    "datasets": READERS["datasets"].replace('"json"', '"csv"'),
    "pandas": """
import pandas
table = pandas.read_csv(path, dtype=str, keep_default_na=False)
found = table.to_dict("records")
""",
    "duckdb": """
import duckdb
got = duckdb.sql(f"select * from read_csv('{path}', header = true, all_varchar = true)")
found = [dict(zip(got.columns, row)) for row in got.fetchall()]
""",
}
ROWS: list[dict[str, Json]] = [
    {"input": {"subject": "Hi", "body": "a\nb\u2028c"}, "expected_output": 'say "yes"', "metadata": {"topic": "é\U0001f600"}},
    {"input": {"subject": "Ho", "body": "x, y; z"}, "expected_output": "no", "metadata": {"topic": "b"}},
]  # fmt: skip
MIXED: list[dict[str, Json]] = [
    {"input": "text", "expected_output": 7, "metadata": {"n": 2**70}},
    {"input": {"q": [1, "two"]}, "expected_output": "seven", "metadata": {"other": None}},
]

pytestmark = [
    pytest.mark.readers,
    pytest.mark.skipif(
        not all(map(find_spec, READERS)), reason="make test-readers installs what is asked"
    ),
]


def read_by(program: str, path: Path) -> list[dict[str, Any]]:
    """Run a reader in a process of its own, without a network and with its cache in the test's folder."""
    code = f"import json, sys\npath, folder = sys.argv[1:]\n{program}\nprint(json.dumps(found))"
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(path.parent / "hf")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(path.parent / "cache")],
        env={**os.environ, **offline}, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def keyed(rows: list[dict[str, Json]]) -> list[tuple[Key | None, dict[str, Json]]]:
    return [(Key(f"k-{number}"), row) for number, row in enumerate(rows)]


@pytest.mark.parametrize("reader", READERS)
def test_items_are_read_as_they_are(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    rows = [Row(Key(f"k-{number}"), row) for number, row in enumerate(ROWS)]
    path.write_bytes(render_items(append_rows(empty_items("items.jsonl"), rows, spelling="current")))  # fmt: skip
    found = read_by(READERS[reader], path)
    assert found == [{"id": f"k-{number}", **row} for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("reader", READERS)
def test_rows_of_mixed_types_are_read_as_exported(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(export_rows(keyed(MIXED), "hf")), "utf-8")
    found = read_by(READERS[reader], path)
    assert [set(row) for row in found] == [{"id", "input_json", "expected_output_json", "metadata_json"}] * 2  # fmt: skip
    for row, wanted in zip(found, MIXED, strict=True):
        assert {name: json.loads(row[f"{name}_json"]) for name in wanted} == wanted


@pytest.mark.parametrize("reader", TABLES)
@pytest.mark.parametrize("rows", [ROWS, MIXED])
def test_tables_are_read_as_exported(
    reader: str, rows: list[dict[str, Json]], tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    form: ExportForm = "csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(export_rows(keyed(rows), form))
    found = read_by(TABLES[reader], path)
    assert [row["id"] for row in found] == ["k-0", "k-1"]
    for row, wanted in zip(found, rows, strict=True):
        for name, value in wanted.items():
            got = json.loads(row[f"{name}_json"]) if f"{name}_json" in row else row[name]
            assert got == value


def test_what_another_library_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    table = "import pandas\npandas.DataFrame([{'id': 'a', 'input': 'é/x'}]).to_json(path, orient='records', lines=True)\nfound = []"
    assert read_by(table, path) == []
    (row,) = parse_items(path.read_bytes(), path="items.jsonl").rows
    assert (row.key, row.fields) == ("a", {"input": "é/x"})
