"""The rules: what to look for in one statement, how bad it is, and what to write instead."""

import re

_TABLE = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?([\w.]+)"
_VOLATILE = r"(?:gen_random_uuid|uuid_generate_v\d\w*|uuidv[47]|random|clock_timestamp|nextval)\s*\("
_CREATED = re.compile(r"^CREATE\s+(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED)\s+)*TABLE\s+" + _TABLE, re.I)
_ALTERED = re.compile(r"^ALTER\s+TABLE\s+" + _TABLE, re.I)
_INDEXED = re.compile(r"^CREATE\s+(?:UNIQUE\s+)?INDEX\b.*?\sON\s+" + _TABLE, re.I)
_CHANGED = re.compile(r"^(?:UPDATE|DELETE\s+FROM)\s+" + _TABLE, re.I)
_RUNS_CONCURRENTLY = re.compile(r"^(?:CREATE|DROP|REINDEX|ALTER\s+TABLE)\b.*\bCONCURRENTLY\b", re.I)
_VALIDATES = re.compile(r"\bVALIDATE\s+CONSTRAINT\b", re.I)
_TRUNCATED = re.compile(r"^TRUNCATE\s+(?:TABLE\s+)?" + _TABLE, re.I)

# name, level, pattern, "is fine when" pattern or None, message
RULES = [
    ("index-blocks-writes", "error", r"^CREATE\s+(UNIQUE\s+)?INDEX\b", r"\bCONCURRENTLY\b|\bON\s+ONLY\b",
     "blocks writes while it runs; use CREATE INDEX CONCURRENTLY outside a transaction"),
    ("index-if-not-exists", "warning", r"^CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\b", None,
     "skips an invalid index that a failed run left behind; put DROP INDEX CONCURRENTLY IF EXISTS in front"),
    ("drop-index-blocks", "warning", r"^DROP\s+INDEX\b", r"\bCONCURRENTLY\b",
     "locks the table out; use DROP INDEX CONCURRENTLY"),
    ("volatile-default", "error", r"\bADD\s+(COLUMN\s+)?(?!CONSTRAINT\b)[^,]*\bDEFAULT\s+" + _VOLATILE, None,
     "rewrites the table; add the column without a default, SET DEFAULT, then fill in batches"),
    ("stored-or-serial-column", "error",
     r"\bADD\s+(COLUMN\s+)?(?!CONSTRAINT\b)[^,]*(\b(small|big)?serial\d?\b|\bAS\s+IDENTITY\b|\bSTORED\b)", None,
     "rewrites the table; add a plain column and fill it in batches"),
    ("not-null-without-default", "error", r"\bADD\s+(COLUMN\s+)?(?!CONSTRAINT\b)[^,]*\bNOT\s+NULL\b",
     r"\bDEFAULT\b|\bGENERATED\b|\bserial\d?\b|\b(small|big)serial\b",
     "fails on a table that has rows; give a constant default or add NOT NULL later"),
    ("set-not-null", "warning", r"\bSET\s+NOT\s+NULL\b", None,
     "reads the whole table under ACCESS EXCLUSIVE unless a validated CHECK proves it"),
    ("constraint-reads-table", "error", r"\bADD\s+(CONSTRAINT\s+[\w.]+\s+)?(FOREIGN\s+KEY|CHECK)\b", r"\bNOT\s+VALID\b",
     "reads the table under a strong lock; add it NOT VALID, then VALIDATE CONSTRAINT separately"),
    ("column-references", "warning", r"\bADD\s+(COLUMN\s+)?(?!CONSTRAINT\b|FOREIGN\b)[^,]*\bREFERENCES\b", None,
     "adds a foreign key in the same step; add the column, then the key NOT VALID, then validate"),
    ("unique-builds-index", "error", r"\bADD\s+(CONSTRAINT\s+[\w.]+\s+)?(UNIQUE|PRIMARY\s+KEY)\b", r"\bUSING\s+INDEX\b",
     "builds its index under ACCESS EXCLUSIVE; create it CONCURRENTLY first, then ADD … USING INDEX"),
    ("type-change", "warning", r"^ALTER\s+TABLE\b.*\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b", None,
     "rewrites the table unless the types are compatible (longer varchar, text)"),
    ("rename", "error", r"^ALTER\s+TABLE\b.*\bRENAME\b(?!\s+CONSTRAINT\b)", None,
     "breaks the release that is running; add, write both, switch, drop"),
    ("drop-column", "warning", r"^ALTER\s+TABLE\b.*\bDROP\s+(COLUMN\s+)?(?!CONSTRAINT\b|DEFAULT\b|NOT\b|EXPRESSION\b|IDENTITY\b)\w+",
     r"\bALTER\s+(COLUMN\s+)?\w+\s+DROP\b", "make sure that the running release does not mention the column"),
    ("drop-table", "warning", r"^DROP\s+TABLE\b", None, "cannot be undone; make sure that nothing reads it"),
    ("cascade", "error", r"^(DROP|TRUNCATE|ALTER\s+TABLE\b.*\bDROP)\b.*\bCASCADE\b", None,
     "takes along what is not named here; list it"),
    ("full-rewrite", "error", r"^(VACUUM\s*\(?.*\bFULL\b|CLUSTER\b)", None, "locks the table out for its whole run"),
    ("refresh-blocks-readers", "warning", r"^REFRESH\s+MATERIALIZED\s+VIEW\b", r"\bCONCURRENTLY\b",
     "blocks readers; use CONCURRENTLY, which needs a unique index"),
    ("change-every-row", "error", r"^(UPDATE|DELETE\s+FROM)\b", r"\bWHERE\b",
     "touches every row in one transaction; do it in batches, outside the migration"),
]  # fmt: skip
RULES = [(n, level, re.compile(p, re.I), ok and re.compile(ok, re.I), m) for n, level, p, ok, m in RULES]


def check_statements(statements):
    """Yield (line, level, rule, message) for each finding that no comment allows."""
    created, in_transaction, was_told_to_wait = set(), False, False
    for statement in statements:
        text = statement.text
        if match := _CREATED.match(text):
            created.add(match.group(1).lower())
        if re.match(r"SET\s+(LOCAL\s+|SESSION\s+)?lock_timeout\b", text, re.I):
            was_told_to_wait = True
        if re.match(r"(BEGIN|START\s+TRANSACTION)\b", text, re.I):
            in_transaction = True
        elif re.match(r"(COMMIT|END|ROLLBACK)\b(?!\s+TO\b)", text, re.I):
            in_transaction = False
        if _table_of(text) in created:
            continue  # empty and unknown to everybody else: any lock is short
        findings = list(_match_rules(text))
        if in_transaction and _RUNS_CONCURRENTLY.match(text):
            findings.append(("concurrently-in-transaction", "error", "fails inside a transaction"))
        if not was_told_to_wait and _ALTERED.match(text) and not _VALIDATES.search(text):
            was_told_to_wait = True  # say it once per file
            findings.append(
                ("no-lock-timeout", "note", "set lock_timeout first, so that it gives up instead of queueing")
            )
        for name, level, message in findings:
            if not _is_allowed(name, statement.comments):
                yield statement.line, level, name, message


def _table_of(text):
    for pattern in (_ALTERED, _INDEXED, _CHANGED, _TRUNCATED):
        if match := pattern.match(text):
            return match.group(1).lower()
    return None


def _match_rules(text):
    for name, level, pattern, is_fine, message in RULES:
        if pattern.search(text) and not (is_fine and is_fine.search(text)):
            yield name, level, message


def _is_allowed(name, comments):
    return any(re.search(rf"migration-review:\s*allow\b[^(\n]*\b{name}\b", comment) for comment in comments)
