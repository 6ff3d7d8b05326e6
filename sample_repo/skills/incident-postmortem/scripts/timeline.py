#!/usr/bin/env python3
"""Merge event lists into one timeline in UTC, as a Markdown table.

usage: timeline.py [--gap MINUTES] FILE...      (- reads standard input)

A line is `TIME [source] text`; TIME is ISO 8601 with a zone, such as 2026-04-14T09:02:11+02:00
or 2026-04-14T07:04Z. The source is optional: without one, the file's name is used. Lines that
start with a blank continue the event above; empty lines and lines starting with # are skipped.
Exit code: 0, or 2 if a file could not be read or a line could not be understood.
"""

import argparse
import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

LINE = re.compile(r"(?P<time>\d{4}-\d\d-\d\d[T ]\S+)\s+(?:\[(?P<source>[^]]+)\]\s*)?(?P<text>.+)")


def parse_time(text):
    """Return `text` as a UTC time; raise ValueError if it names no zone."""
    time = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    if time.tzinfo is None:
        raise ValueError("no time zone")
    return time.astimezone(timezone.utc)


def parse_events(text, name):
    """Return the events of one file as [time, source, text] lists; raise ValueError naming the line."""
    events = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace() and events:
            events[-1][2] += " " + line.strip()
            continue
        match = LINE.fullmatch(line.rstrip())
        if not match:
            raise ValueError(f"{name}:{number}: expected `TIME [source] text`")
        try:
            time = parse_time(match["time"])
        except ValueError as error:
            raise ValueError(f"{name}:{number}: bad time {match['time']!r}: {error}") from error
        events.append([time, match["source"] or Path(name).stem, match["text"]])
    return events


def render(events, gap):
    """Return the table; a pause longer than `gap` gets a row of its own."""
    rows = ["| UTC | min | source | what |", "|---|---:|---|---|"]
    before = day = None
    for time, source, text in events:
        if before and time - before > gap:
            minutes = round((time - before) / timedelta(minutes=1))
            rows.append(f"| | | | **gap: {minutes} minutes without an event** |")
        clock = time.strftime("%H:%M:%S" if day == time.date() else "%Y-%m-%d %H:%M:%S")
        since = int((time - events[0][0]) / timedelta(minutes=1))
        cells = [clock, f"+{since}", source, text]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        before, day = time, time.date()
    return "\n".join(rows) + "\n"


def main(arguments=None):
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("--gap", type=float, default=10, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    events = []
    for name in options.files:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
            events += parse_events(text, "stdin" if name == "-" else name)
        except (OSError, ValueError) as error:
            print(f"timeline: {error}", file=sys.stderr)
            return 2
    events.sort(key=lambda event: event[0])
    sys.stdout.write(render(events, timedelta(minutes=options.gap)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
