"""Which options skillsync.toml may hold, as data, and the checks that find everything wrong with one at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, TypeAlias

from skillsync.model import ROW_FIELDS, Problem
from skillsync.origin import NotAnOrigin, parse_origin

SETTINGS_FILE = "skillsync.toml"
SETTINGS_VERSION = 1

Lines: TypeAlias = "Mapping[tuple[str, ...], int]"
"""Where an option or a section stands: its dotted path to a 1-based line."""


class Wrong(ValueError):
    """A value that an option cannot have; the message is the rest of a sentence about the option."""


Check: TypeAlias = Callable[[Any], Any]
"""Takes the TOML value, returns the setting's value, raises Wrong."""


@dataclass(slots=True)
class Values:
    """The options that passed, by section."""

    top: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    review: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- one value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Wrong("must be text that is not empty")
    if not value.isprintable():
        raise Wrong("holds control characters")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise Wrong("must be a list of texts")
    return tuple(_text(part) for part in value)


def _positive(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise Wrong("must be a whole number above 0, without quotes")
    return value


def _version(value: Any) -> int:
    if isinstance(value, int) and value > SETTINGS_VERSION:
        raise Wrong(f"is {value}: the file was written for a newer skillsync")
    if isinstance(value, bool) or value != SETTINGS_VERSION:
        raise Wrong(f"must be {SETTINGS_VERSION}")
    return SETTINGS_VERSION


def _origin(value: Any) -> str:
    try:
        return parse_origin(value if isinstance(value, str) else "")
    except NotAnOrigin as error:
        raise Wrong(str(error)) from error


def _root(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or PureWindowsPath(name).drive or "\\" in name or name.startswith("~"):
        raise Wrong(f"has {name!r}: must be relative to the repository, with / between folders")
    if ".." in path.parts:
        raise Wrong(f"has {name!r}: must stay inside the repository, without ..")
    if any(part.casefold() == ".git" for part in path.parts):
        raise Wrong(f"has {name!r}: git's own folder holds no skills")
    return str(path)


def _roots(value: Any) -> tuple[str, ...]:
    roots = tuple(_root(name) for name in _texts(value))
    for index, root in enumerate(roots):
        for other in roots[:index]:
            if root == other:
                raise Wrong(f"has {root!r} twice")
            inner, outer = sorted((PurePosixPath(root), PurePosixPath(other)), reverse=True)
            if inner.is_relative_to(outer):
                raise Wrong(f"has {str(inner)!r}, which lies inside {str(outer)!r}")
    return roots


def _branch(value: Any) -> str:
    name = _text(value)
    if (
        not re.fullmatch(r"[^\s~^:?*\[\\]+", name)
        or name.startswith(("-", "/", "."))
        or name.endswith(("/", ".", ".lock"))
        or ".." in name
        or "//" in name
        or "@{" in name
    ):
        raise Wrong("is not the name of a branch")
    return name


def _patterns(value: Any) -> tuple[str, ...]:
    patterns = _texts(value)
    if "!" in patterns:
        raise Wrong("has a pattern that is only !")
    return patterns


def _pace(value: Any) -> str | int:
    if value in ("auto", "off"):
        return str(value)
    try:
        return _positive(value)
    except Wrong as error:
        raise Wrong('must be "auto", "off" or a number of requests per minute') from error


def _publishers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise Wrong("must be a list of user numbers")
    return tuple(_positive(part) for part in value)


def _keys(value: Any) -> str:
    if value not in ("id", "content"):
        raise Wrong('must be "id" or "content"')
    return str(value)


def _carry(value: Any) -> str:
    if value not in ("metadata", "local", "error"):
        raise Wrong('must be "metadata", "local" or "error"')
    return str(value)


def _fields(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Wrong('must be a table such as { input = "question" }')
    known = ("id", *ROW_FIELDS)
    for name in value:
        if name not in known:
            raise Wrong(f"has {name!r}, which is no field{_near(name, known)}")
    fields = {name: _text(theirs) for name, theirs in value.items()}
    if len(set(fields.values())) < len(fields):
        raise Wrong("reads two fields from one name")
    return fields


def _one_of(*words: str) -> Check:
    def check(value: Any) -> str:
        if value not in words:
            raise Wrong(f"must be {', '.join(words[:-1])} or {words[-1]}")
        return str(value)

    return check


def _acknowledgements(value: Any) -> tuple[str, ...]:
    found = _texts(value) if value != [] else ()
    for one in found:
        if one not in ACKNOWLEDGEMENTS:
            raise Wrong(f"has {one!r}: only {', '.join(ACKNOWLEDGEMENTS)} can be acknowledged")
    return found


def _rule(name: str) -> str:
    if not _RULE.fullmatch(name):
        raise Wrong(f"has {name!r}, which is no rule such as X-PIPE")
    return name


def _rules(value: Any) -> tuple[str, ...]:
    return tuple(_rule(one) for one in _texts(value))


def _levels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Wrong('must be a table such as { "X-INSTALL" = "warning" }')
    for name, level in value.items():
        _rule(name)
        if level not in ("error", "warning", "note"):
            raise Wrong(f"has {name} = {level!r}: must be error, warning or note")
    return dict(value)


# ---------------------------------------------------------------- the schema

ACKNOWLEDGEMENTS = ("permissions", "archive", "trigger")
"""What a maintainer may have to acknowledge before a range is merged (review.md 5.2)."""

_RULE = re.compile(r"[PTHXSOLRDG]-[A-Z0-9]+(?:-[A-Z0-9]+)*")

_TOP: Mapping[str, Check] = {
    "version": _version,
    "skills": _roots,
    "datasets": _roots,
    "default_target": _text,
    "publish_branch": _branch,
    "carry": _carry,
}
_TARGET: Mapping[str, Check] = {
    "host": _origin,
    "project": _positive,
    "skills": _patterns,
    "datasets": _patterns,
    "pace": _pace,
    "publishers": _publishers,
}
_DATASET: Mapping[str, Check] = {
    "fields": _fields,
    "keys": _keys,
    "max_line_bytes": _positive,
    "max_file_bytes": _positive,
}
_REVIEW: Mapping[str, Check] = {
    "fail_on": _one_of("error", "warning", "never"),
    "drift": _one_of("fail", "warn", "ignore"),
    "require_ack": _acknowledgements,
    "show_values": _one_of("none", "repo", "all"),
    "ignore": _rules,
    "levels": _levels,
}
_SECTIONS = ("targets", "dataset", "review")
_NEEDED_IN_TARGET = ("host", "project")
_TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIELD_OF_TARGET = {"host": "origin"}


def check_table(table: Mapping[str, Any], lines: Lines) -> tuple[Values, list[Problem]]:
    """Return what passed, and one problem for each thing that did not, in the order of the file."""
    checker = _Checker(lines)
    values = Values()
    top = {name: value for name, value in table.items() if name not in _SECTIONS}
    values.top = checker.options((), top, _TOP, sections=_SECTIONS)
    if "version" not in table:
        checker.add(("version",), f"is missing: write version = {SETTINGS_VERSION}")
    for name, section in checker.sections(table, "targets"):
        checker.target_name(name)
        fields = checker.options(("targets", name), section, _TARGET)
        for option in _NEEDED_IN_TARGET:
            if option not in section:
                checker.add(("targets", name, ""), f"needs the option {option}")
        values.targets[name] = {_FIELD_OF_TARGET.get(key, key): fields[key] for key in fields}
    for name, section in checker.sections(table, "dataset"):
        values.datasets[name] = checker.options(("dataset", name), section, _DATASET)
    review = table.get("review", {})
    if isinstance(review, dict):
        values.review = checker.options(("review",), review, _REVIEW)
    else:
        checker.add(("review",), "must be a section: [review] with its options in it")
    checker.variables(values.targets)
    default = values.top.get("default_target")
    if default is not None and default not in values.targets:
        checker.add(
            ("default_target",),
            f"names {default!r}, which is no target{_near(default, tuple(values.targets))}",
        )
    return values, checker.sorted_problems()


class _Checker:
    """Collects problems while options are checked."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._problems: list[Problem] = []

    def add(self, path: tuple[str, ...], message: str) -> None:
        """Note what is wrong at ``path``."""
        section, option = path[:-1], path[-1]
        named = f"[{'.'.join(section)}] {option}".rstrip() if section else option
        line = next(
            (
                self._lines[path[:end]]
                for end in range(len(path), 0, -1)
                if path[:end] in self._lines
            ),
            None,
        )
        self._problems.append(
            Problem(
                "E-CONFIG",
                f"{named} {message}",
                subject=".".join(path).rstrip("."),
                path=SETTINGS_FILE,
                line=line,
            )
        )

    def options(
        self,
        section: tuple[str, ...],
        given: Mapping[str, Any],
        known: Mapping[str, Check],
        *,
        sections: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Check each option of one section and return those that passed."""
        passed: dict[str, Any] = {}
        for name, value in given.items():
            check = known.get(name)
            if check is None:
                hint = _near(name, (*known, *sections))
                self.add((*section, name), f"is not an option{hint}")
                continue
            try:
                passed[name] = check(value)
            except Wrong as wrong:
                self.add((*section, name), str(wrong))
        return passed

    def sections(self, table: Mapping[str, Any], kind: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the tables below ``[kind.…]`` that are tables."""
        below = table.get(kind, {})
        if not isinstance(below, dict):
            self.add((kind,), f"must be sections such as [{kind}.NAME]")
            return []
        found: list[tuple[str, Mapping[str, Any]]] = []
        for name, section in below.items():
            if isinstance(section, dict):
                found.append((name, section))
            else:
                self.add((kind, name), f"must be a section: [{kind}.NAME] with the option in it")
        return found

    def target_name(self, name: str) -> None:
        """Check that a target's name can be typed, and be part of a variable's name."""
        if not _TARGET_NAME.fullmatch(name):
            self.add(("targets", name), "is not a name: letters, digits, dots, - and _ only")

    def variables(self, targets: Mapping[str, Any]) -> None:
        """Check that no two targets share the variable that holds their key."""
        seen: dict[str, str] = {}
        for name in targets:
            variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
            if variable in seen:
                self.add(
                    ("targets", name),
                    f"and {seen[variable]!r} would share one key, SKILLSYNC_{variable}_API_KEY: rename one",
                )
            seen.setdefault(variable, name)

    def sorted_problems(self) -> list[Problem]:
        """Return the problems in the order of the file, those without a line last."""
        return sorted(self._problems, key=lambda problem: problem.line or 10**9)


def _near(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


# ---------------------------------------------------------------- the text itself

_KEY = re.compile(r"ph[xasr]_[A-Za-z0-9_-]{3,}")
_KEY_OPTION = re.compile(
    r"""^\s*["']?[\w.-]*?(api[_-]?key|token|secret|password|passwd|bearer|authorization)["']?\s*=""",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^\s*\[{1,2}\s*(?P<path>[^\[\]#]+?)\s*\]{1,2}\s*(#.*)?$")
_OPTION = re.compile(r"""^\s*(?P<path>[\w."'-]+(\s*\.\s*[\w"'-]+)*)\s*=""")


def secrets_in(text: str) -> list[Problem]:
    """Return a problem for each line that looks like it holds a key, comments included; never the key itself."""
    return [
        Problem(
            "E-CONFIG",
            "holds what looks like a key. Keys never go into this file: revoke it if the file was ever "
            "committed, and put a new one into SKILLSYNC_API_KEY, a key file or the system keyring",
            path=SETTINGS_FILE,
            line=number,
        )
        for number, line in enumerate(text.split("\n"), start=1)
        if _KEY.search(line) or _KEY_OPTION.match(line)
    ]


def line_numbers(text: str) -> Lines:
    """Return where sections and options stand, as far as a look at each line can tell."""
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            section = _dotted(header["path"])
            found.setdefault(section, number)
        elif option := _OPTION.match(line):
            path = (*section, *_dotted(option["path"]))
            for end in range(len(section) + 1, len(path) + 1):
                found.setdefault(path[:end], number)
    return found


def _dotted(path: str) -> tuple[str, ...]:
    parts = re.findall(r""""[^"]*"|'[^']*'|[^.\s]+""", path)
    return tuple(part.strip("\"'") for part in parts)
