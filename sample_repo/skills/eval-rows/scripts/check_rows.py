#!/usr/bin/env python3
"""Check evaluation rows (JSON Lines) and show how their labels are spread.

usage: check_rows.py [--near SHARE] FILE.jsonl...

Problems are printed as `file:line: message`. Reported are: lines that are no JSON object,
repeated keys, missing input or output, keys that do not belong in a row, ids that are repeated
or missing from some lines only, the same input twice, and inputs that share at least SHARE of
their word triples (default 0.8; 0 switches this off).
Exit code: 0 nothing found, 1 problems, 2 a file could not be read.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

KEYS = {
    "id", "input", "output", "expected_output", "source_output", "metadata",
    "ref_trace_id", "ref_timestamp", "ref_source_id",
    "source_trace_id", "source_timestamp", "source_event_id",
}  # fmt: skip


def parse_row(line):
    """Return the object in `line`; raise ValueError saying what is wrong with it."""

    def unique(pairs):
        row = dict(pairs)
        if len(row) != len(pairs):
            raise ValueError("a key is repeated in one object")
        return row

    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    row = json.loads(line, object_pairs_hook=unique, parse_constant=refuse)
    if not isinstance(row, dict):
        raise ValueError("not an object")
    return row


def texts(value):
    """Yield every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)


def triples(value):
    """Return the set of word triples of a JSON value's texts."""
    words = re.findall(r"\w+", " ".join(texts(value)).casefold())
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def check_row(row):
    """Yield what is wrong with one row by itself."""
    if row.get("input") is None:
        yield "no input"
    if "output" not in row and "expected_output" not in row:
        yield "no output"
    if "output" in row and "expected_output" in row:
        yield "both output and expected_output: they are one field"
    if "id" in row and not (isinstance(row["id"], (str, int)) and str(row["id"]).strip()):
        yield "id must be text"
    for key in sorted(set(row) - KEYS):
        yield f"key {key!r} does not belong in a row"


def check_file(data, near):
    """Return the problems of one file as (line, message), and its rows."""
    problems, rows = [], []
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            row = parse_row(raw.decode("utf-8"))
        except ValueError as error:
            problems.append((number, f"cannot be read: {error}"))
            continue
        rows.append((number, row))
        problems += ((number, message) for message in check_row(row))
    problems += check_together(rows, near)
    if data and not data.endswith(b"\n"):
        problems.append((data.count(b"\n") + 1, "no line end after the last row"))
    return sorted(problems), [row for _, row in rows]


def check_together(rows, near):
    """Yield the problems that show only when rows are compared."""
    ids, inputs, by_triple = {}, {}, defaultdict(list)
    with_id = sum("id" in row for _, row in rows)
    for number, row in rows:
        if "id" in row:
            first = ids.setdefault(str(row["id"]), number)
            if first != number:
                yield number, f"id {row['id']!r} is already on line {first}"
        elif with_id:
            yield number, "no id, while other rows have one"
        same = inputs.setdefault(json.dumps(row.get("input"), sort_keys=True), number)
        if same != number:
            yield number, f"same input as line {same}"
            continue
        own = triples(row.get("input")) if near else set()
        shared = Counter(other for triple in own for other in by_triple[triple])
        for (other, size), count in shared.most_common(1):
            if count >= near * (len(own) + size - count):
                yield number, f"input is nearly that of line {other}"
        for triple in own:
            by_triple[triple].append((number, len(own)))


def spread(rows):
    """Yield one line per short output field: how often it has which value."""
    counts = defaultdict(Counter)
    for row in rows:
        output = row.get("output", row.get("expected_output"))
        for field, value in output.items() if isinstance(output, dict) else [("output", output)]:
            if isinstance(value, (str, bool, int)) and len(str(value)) <= 30:
                counts[field][str(value)] += 1
    for field, values in counts.items():
        listed = ", ".join(f"{value} {count}" for value, count in values.most_common(12))
        yield f"  {field}: {listed}" + (", …" if len(values) > 12 else "")


def main(arguments=None):
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--near", type=float, default=0.8, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    found = 0
    for name in options.files:
        try:
            data = Path(name).read_bytes()
        except OSError as error:
            print(f"check_rows: cannot read {name}: {error.strerror}", file=sys.stderr)
            return 2
        problems, rows = check_file(data, options.near)
        for line, message in problems:
            print(f"{name}:{line}: {message}")
        print(f"{name}: {len(rows)} rows, {len(problems)} problems")
        for line in spread(rows):
            print(line)
        found += len(problems)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
