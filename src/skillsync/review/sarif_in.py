"""Other scanners' findings, from SARIF 2.1.0 files: their rule, level, place and message, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from skillsync.errors import UsageError
from skillsync.formats.json_text import JsonTrouble, read_json
from skillsync.model import Json
from skillsync.review.rules.model import Hit
from skillsync.review.values import Level

MAX_BYTES = 20_000_000
MAX_RESULTS = 2_000
_LEVELS = {"error": Level.ERROR, "warning": Level.WARNING, "note": Level.NOTE, "none": Level.NOTE}


def read_sarif(data: bytes, *, name: str) -> Iterator[Hit]:
    """Yield a file's results; a rule is called ``TOOL:RULE``. Raises UsageError when it is no SARIF."""
    if len(data) > MAX_BYTES:
        raise _wrong(name, f"it is larger than {MAX_BYTES:,} bytes")
    try:
        value = read_json(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, JsonTrouble) as error:
        raise _wrong(name, "it is no JSON that can be read") from error
    runs = value.get("runs") if isinstance(value, dict) else None
    if not isinstance(runs, list):
        raise _wrong(name, "it has no runs")
    said = 0
    for run in runs:
        tool = _text(_below(run, "tool", "driver", "name"), 60) or "scanner"
        results = _below(run, "results")
        for result in results if isinstance(results, list) else []:
            said += 1
            if said > MAX_RESULTS:
                message = f"{name} has more than {MAX_RESULTS:,} results: the rest was left out"
                yield Hit("O-GAVE-UP", "", None, message, message)
                return
            yield _hit(tool.replace(":", " "), result)


def _hit(tool: str, result: Json) -> Hit:
    locations = _below(result, "locations")
    first = locations[0] if isinstance(locations, list) and locations else None
    place = _below(first, "physicalLocation")
    path = _text(_below(place, "artifactLocation", "uri"), 500)
    line = _below(place, "region", "startLine")
    rule = _text(_below(result, "ruleId"), 100) or "finding"
    message = _text(_below(result, "message", "text"), 500) or rule
    level = _text(_below(result, "level"), 20)
    number = line if type(line) is int and 0 < line < 10**9 else None
    return Hit(
        f"{tool}:{rule}", path, number, message, message, level=_LEVELS.get(level, Level.WARNING)
    )


def _below(value: Json, *names: str) -> Json:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Json, most: int) -> str:
    return " ".join(value.split())[:most] if isinstance(value, str) else ""


def _wrong(name: str, why: str) -> UsageError:
    return UsageError(
        f"{name} cannot be merged: {why}",
        subject=name,
        unchanged="Nothing was reviewed.",
        hint="give a SARIF 2.1.0 file",
    )
