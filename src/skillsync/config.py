"""skillsync.toml as frozen settings: read with every problem reported at once, and written with its comments kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from skillsync.config_schema import SETTINGS_FILE, check_table, line_numbers, secrets_in
from skillsync.errors import ConfigError, NotARepository
from skillsync.model import CarryMode, Problem

if TYPE_CHECKING:
    from skillsync.formats.row_lines import Limits

MAX_BYTES = 1_000_000

Pace: TypeAlias = "Literal['auto', 'off'] | int"
"""``auto``, ``off``, or requests per minute (design.md 2, Pacing)."""


class SettingsInvalid(ConfigError):
    """skillsync.toml cannot be used; ``problems`` are all of its problems, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"{problem.where}: {problem.message}" for problem in self.problems]
        head = f"{SETTINGS_FILE} has {count} problem{'' if count == 1 else 's'}"
        super().__init__(
            "\n  ".join([f"{head}:", *lines]),
            subject=SETTINGS_FILE,
            unchanged="nothing was read or changed, and no server was asked",
            hint=f"edit {SETTINGS_FILE} and run the command again",
        )


@dataclass(frozen=True, slots=True)
class Target:
    """One server project. ``origin`` is ``scheme://host[:port]`` in its one spelling.

    ``skills`` and ``datasets`` are the patterns of the names this repository owns; None means the default.
    ``publishers`` are user numbers whose publishes count as this repository's own (sync.md 5.5). ``carry`` is the
    repository's: what happens to what the API has no place for (skill-format.md 10).
    """

    name: str
    origin: str
    project: int
    skills: tuple[str, ...] | None = None
    datasets: tuple[str, ...] | None = None
    pace: Pace = "auto"
    publishers: tuple[int, ...] = ()
    carry: CarryMode = "metadata"

    @property
    def host(self) -> str:
        """The origin, as the file's option is called."""
        return self.origin

    @property
    def place(self) -> str:
        """``host[:port]/project``, as pointers name it."""
        return f"{self.origin.partition('://')[2]}/{self.project}"

    @property
    def key_variable(self) -> str:
        """The environment variable with this target's own key: ``SKILLSYNC_PROD_API_KEY``."""
        return f"SKILLSYNC_{_variable_part(self.name)}_API_KEY"

    def takes_skill(self, name: str, category: str = "") -> bool:
        """Tell whether a skill belongs to this repository; without patterns, all without a server category."""
        return _takes(self.skills, (name,), default=not category)

    def takes_dataset(self, name: str, slug: str | None = None) -> bool:
        """Tell whether a dataset, by its name or its folder's name, belongs to this repository."""
        return _takes(self.datasets, (name,) if slug is None else (name, slug), default=True)


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """What is set for one dataset: ``fields`` maps our field names to the file's; ``keys`` says where keys are.

    Lines and files that are longer than the limits are refused.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    keys: Literal["id", "content"] = "id"
    max_line_bytes: int = 1_000_000
    max_file_bytes: int = 2_000_000_000

    @property
    def limits(self) -> Limits:
        """How long lines and the file may be."""
        from skillsync.formats.row_lines import Limits

        return Limits(self.max_line_bytes, self.max_file_bytes)


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """What ``[review]`` says: the gates of a review, rules that are off, and levels that differ from a rule's own."""

    fail_on: Literal["error", "warning", "never"] = "error"
    drift: Literal["fail", "warn", "ignore"] = "fail"
    require_ack: tuple[str, ...] = ("permissions", "archive")
    show_values: Literal["none", "repo", "all"] = "repo"
    ignore: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What skillsync.toml says. ``root`` is the repository, ``path`` the file; roots are relative, with ``/``."""

    root: Path
    path: Path
    skills: tuple[str, ...] = ("skills",)
    datasets: tuple[str, ...] = ("datasets",)
    default_target: str | None = None
    publish_branch: str | None = None
    carry: CarryMode = "metadata"
    targets: Mapping[str, Target] = field(default_factory=dict)
    dataset_options: Mapping[str, DatasetOptions] = field(default_factory=dict)
    review: ReviewOptions = field(default_factory=ReviewOptions)

    def target(self, name: str | None = None) -> Target:
        """Return the target called ``name``, or the default one.

        Raises ConfigError when there is none of that name, or none by default.
        """
        wanted = name or self.default_target
        if wanted is None:
            raise ConfigError(
                f"{SETTINGS_FILE} names no target"
                if not self.targets
                else f"{SETTINGS_FILE} names several targets and no default_target",
                subject=SETTINGS_FILE,
                hint="skillsync init --host URL --project N"
                if not self.targets
                else "add --target NAME",
            )
        found = self.targets.get(wanted)
        if found is None:
            known = ", ".join(sorted(self.targets)) or "none"
            raise ConfigError(
                f"there is no target called {wanted!r} in {SETTINGS_FILE} (there is: {known})",
                subject=wanted,
                hint=f"add [targets.{wanted}] to {SETTINGS_FILE}, or name another with --target",
            )
        return found

    @property
    def places(self) -> frozenset[str]:
        """The places of all targets."""
        return frozenset(target.place for target in self.targets.values())

    @property
    def items_limit(self) -> int:
        """Bytes of any dataset's file that are read at most; whether it may have so many, its own limit says."""
        options = (DatasetOptions(), *self.dataset_options.values())
        return max(one.max_file_bytes for one in options)

    def options_for(self, dataset: str) -> DatasetOptions:
        """Return what is set for the dataset in the folder called ``dataset``."""
        return self.dataset_options.get(dataset, DatasetOptions())


def load_settings(root: Path) -> Settings:
    """Read ``root/skillsync.toml``.

    Raises NotARepository when there is none, SettingsInvalid with every problem when it cannot be used.
    """
    path = root / SETTINGS_FILE
    if not path.exists():
        raise NotARepository(
            f"there is no {SETTINGS_FILE} in {root}", subject=str(root), hint="skillsync init"
        )
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise SettingsInvalid([_problem("is not a file of a sensible size")])
    settings = parse_settings(path.read_bytes(), root=root)
    outside = [
        _problem(f"{option}: {name!r} leads out of the repository", option=option)
        for option, names in (("skills", settings.skills), ("datasets", settings.datasets))
        for name in names
        if not (root / name).resolve().is_relative_to(root.resolve())
    ]
    if outside:
        raise SettingsInvalid(outside)
    return settings


def parse_settings(data: bytes, *, root: Path) -> Settings:
    """Return the settings in ``data``, the bytes of a skillsync.toml of the repository at ``root``.

    Raises SettingsInvalid. Touches no file, so that the file of another commit can be read too.
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsInvalid([_problem("is not UTF-8 text", line=line)]) from error
    secrets = secrets_in(text)
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsInvalid(_with_secrets(secrets, [_toml_problem(error)])) from None
    values, problems = check_table(table, line_numbers(text))
    if secrets or problems:
        raise SettingsInvalid(_with_secrets(secrets, problems))
    carry = values.top.get("carry", "metadata")
    targets = {
        name: Target(name=name, carry=carry, **fields) for name, fields in values.targets.items()
    }
    default = values.top.get("default_target") or (
        next(iter(targets)) if len(targets) == 1 else None
    )
    return Settings(
        root=root,
        path=root / SETTINGS_FILE,
        skills=values.top.get("skills", ("skills",)),
        datasets=values.top.get("datasets", ("datasets",)),
        default_target=default,
        publish_branch=values.top.get("publish_branch"),
        carry=carry,
        targets=MappingProxyType(targets),
        dataset_options=MappingProxyType(
            {name: DatasetOptions(**fields) for name, fields in values.datasets.items()}
        ),
        review=ReviewOptions(**values.review),
    )


def write_settings(
    root: Path,
    *,
    target: Target | None = None,
    skills: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    publish_branch: str | None = None,
) -> Path:
    """Create or change ``root/skillsync.toml`` and return its path.

    What is None stays as it is (a new file then has the defaults). ``target`` is added, or its host and project
    are replaced; the first target becomes the default one. Comments and order of an existing file are kept.
    Raises SettingsInvalid instead of writing a file that cannot be read again.
    """
    from skillsync.config_write import replace_text, settings_text

    path = root / SETTINGS_FILE
    before = path.read_text("utf-8") if path.exists() else None
    after = settings_text(
        before, target=target, skills=skills, datasets=datasets, publish_branch=publish_branch
    )
    parse_settings(after.encode(), root=root)
    if after != before:
        replace_text(path, after)
    return path


def _takes(patterns: Sequence[str] | None, names: Sequence[str], *, default: bool) -> bool:
    """Go through the patterns in order: the last that matches decides, ``!`` excludes.

    A list that begins with an exclusion takes the default from the rest.
    """
    if patterns is None:
        return default
    taken = default and bool(patterns) and patterns[0].startswith("!")
    for pattern in patterns:
        wanted = not pattern.startswith("!")
        if any(fnmatchcase(name, pattern.removeprefix("!")) for name in names):
            taken = wanted
    return taken


def _variable_part(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _problem(message: str, *, line: int | None = None, option: str = "") -> Problem:
    return Problem("E-CONFIG", message, subject=option, path=SETTINGS_FILE, line=line)


def _with_secrets(secrets: list[Problem], others: Sequence[Problem]) -> list[Problem]:
    """Put keys and other problems in the order of the file; nothing else is said of a line that holds a key."""
    lines = {problem.line for problem in secrets}
    kept = [one for one in others if one.line not in lines and not secrets_in(one.message)]
    return sorted([*secrets, *kept], key=lambda problem: problem.line or 10**9)


def _toml_problem(error: Exception) -> Problem:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    reason = re.sub(r"\s*\(at .*\)$", "", str(error)) if found else "nested too deeply, or cut off"
    column = f" (column {found[2]})" if found else ""
    return _problem(f"is not TOML: {reason}{column}", line=int(found[1]) if found else None)
