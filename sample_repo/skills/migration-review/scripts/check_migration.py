#!/usr/bin/env python3
"""Look for dangerous statements in PostgreSQL migrations.

usage: check_migration.py FILE.sql...      (- reads standard input)

Prints `file:line: level rule: message`. Levels are error, warning and note.
A comment `-- migration-review: allow RULE (reason)` in front of a statement allows it.
Exit code: 0 no errors, 1 at least one error, 2 a file could not be read.
"""

import sys
from pathlib import Path

from sqlcheck.rules import check_statements
from sqlcheck.statements import split_statements


def read(name):
    """Return the text of the file `name`, or of standard input for `-`."""
    return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")


def main(names):
    """Run the command; return its exit code."""
    if not names or names[0] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if names else 2
    errors = unreadable = 0
    for name in names:
        try:
            statements = split_statements(read(name))
        except (OSError, UnicodeDecodeError) as error:
            print(f"check_migration: cannot read {name}: {error}", file=sys.stderr)
            unreadable += 1
            continue
        for line, level, rule, message in check_statements(statements):
            print(f"{name}:{line}: {level} {rule}: {message}")
            errors += level == "error"
    return 2 if unreadable else 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
