"""Where every command ends: done, understood, interrupted or not understood, each with its exit code and words."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

import click

from skillsync.cli.options import INTERRUPTED, Globals, standard_options
from skillsync.cli.render import Output, open_output, visible
from skillsync.errors import SkillsyncError, SystemRefused, UsageError, place_of
from skillsync.model import Json

ERROR_SCHEMA = "skillsync.error/1"
NOT_UNDERSTOOD = 70
BROKEN_PIPE = 141
_SYSTEM_ERRORS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.EIO,
        errno.EFBIG,
        errno.ENAMETOOLONG,
        errno.ELOOP,
    }
)


@dataclass(frozen=True, slots=True)
class Run:
    """What every command gets first: where it acts, how it prints, and whether as JSON."""

    directory: Path
    out: Output
    json: bool = False
    verbose: bool = False


def command_boundary(function: Callable[..., int | None]) -> Callable[..., None]:
    """Wrap a command ``f(run: Run, **options) -> exit code or None`` with what all commands share.

    Put it closest to the function, below click's decorators. It adds ``-C``, ``--color`` and ``-v`` after the
    verb, takes ``as_json`` (of json_option) into ``run.json``, makes ``api_key_file`` absolute, and ends in one
    of three ways when the function raises (fail()).
    """

    @standard_options(hidden=True)
    @functools.wraps(function)
    def command(**options: Any) -> None:
        context = click.get_current_context()
        run = _open_run(context.find_object(Globals) or Globals(), options)
        if context.info_name != "init":  # which names a target that is to be
            run.out.target = options.get("target") or ""
        context.exit(guard(run.out, lambda: function(run, **options)))

    return command


def guard(out: Output, call: Callable[[], int | None]) -> int:
    """Return the exit code of ``call``; whatever it raises is told to people and, in JSON mode, as JSON."""
    try:
        code = call() or 0
        out.stdout.flush()
        _require_document(out)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except BaseException as error:
        return fail(out, error)
    return code


def _require_document(out: Output) -> None:
    if out.json_mode and not out.emitted:
        raise RuntimeError("the command printed no JSON document")


def fail(out: Output, error: BaseException) -> int:
    """Tell ``error`` and return its exit code: understood, interrupted, or not understood (a report is written)."""
    try:
        return _fail(out, error)
    except BrokenPipeError:
        return _quiet()


def _fail(out: Output, error: BaseException) -> int:
    match error:
        case BrokenPipeError():
            return _quiet()
        case SystemExit():
            raise error
        case SkillsyncError():
            return _understood(out, error)
        case click.exceptions.Abort() | KeyboardInterrupt() | EOFError():
            return _interrupted(out)
        case click.ClickException():
            return _usage(out, error)
        case OSError() if error.errno in _SYSTEM_ERRORS:
            return _understood(out, _system_refused(error))
        case _:
            return _not_understood(out, error)


def _understood(out: Output, error: SkillsyncError) -> int:
    if isinstance(error, UsageError) and not error.unchanged:
        error.unchanged = (
            "Nothing was changed."  # words and settings are checked before anything is done
        )
    path = str(getattr(error, "path", "") or "")
    line, column = getattr(error, "line", None), getattr(error, "column", None)
    where = place_of(error)
    problems = tuple(getattr(error, "problems", ()))
    if problems:
        count = len(problems)
        _block(out, f"{error.subject}: {count} problem{'s' if count > 1 else ''}", {})
        out.problems(problems)
        _rows(out, {"unchanged": error.unchanged, "next": error.hint})
    else:
        _block(
            out,
            error.message,
            {
                "on": " ".join(part for part in (error.subject, where) if part),
                "unchanged": error.unchanged,
                "next": error.hint,
                "code": f"{error.code} (skillsync explain {error.code})",
            },
        )
    facts: dict[str, Json] = {"path": path, "line": line, "column": column} if path else {}
    if problems:
        facts["problems"] = [
            {
                "code": each.code,
                "path": each.path,
                "line": each.line,
                "column": each.column,
                "message": _safe(each.message),
            }
            for each in problems
        ]
    return _end(out, error.code, error.message, error.exit_code, error=error, facts=facts)


def _usage(out: Output, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None) or click.get_current_context(silent=True)
    hint = f"{context.command_path} --help" if context else "skillsync --help"
    message = _as_part(error.format_message())
    if type(error).__name__ == "NoArgsIsHelpError":
        out.note(message)
        message = "a command is missing"
    else:
        _block(out, message, {"next": hint})
    code = "E-USAGE" if error.exit_code == UsageError.exit_code else "E-FAILED"
    return _end(out, code, message, error.exit_code, hint=hint)


def _interrupted(out: Output) -> int:
    message = "interrupted; what was already done is done, the rest was not begun"
    hint = "skillsync status"
    _block(out, message, {"next": hint})
    return _end(out, "E-INTERRUPTED", message, INTERRUPTED, hint=hint)


def _not_understood(out: Output, error: BaseException) -> int:
    from skillsync.cli.bug_report import write_report

    message = f"skillsync made a mistake of its own: {type(error).__name__}"
    report = write_report(error, argv=sys.argv[1:], start=Path.cwd())
    hint = f"please send the report {report}" if report else "please report it"
    _block(out, message, {"report": str(report or ""), "next": hint, "code": "E-INTERNAL"})
    if out.verbose:
        import traceback

        out.note(_safe("".join(traceback.format_exception(error)), lines=True))
    return _end(out, "E-INTERNAL", message, NOT_UNDERSTOOD, hint=hint)


def _end(
    out: Output,
    code: str,
    message: str,
    status: int,
    *,
    error: SkillsyncError | None = None,
    hint: str = "",
    facts: Mapping[str, Json] | None = None,
) -> int:
    """Print the JSON document of a failure, unless the command had already printed its own."""
    document: dict[str, Json] = {
        "code": code,
        "message": _safe(message, lines=True),
        "subject": _safe(error.subject if error else ""),
        "unchanged": _safe(error.unchanged if error else ""),
        "hint": _safe(error.hint if error else hint),
        "exit": status,
        **(facts or {}),
    }
    if not out.emitted:
        out.emit_json(ERROR_SCHEMA, {"error": document})
    out.stderr.flush()
    return status


def _block(out: Output, message: str, rows: Mapping[str, str]) -> None:
    label = "\x1b[1;31merror:\x1b[0m" if out.error_color else "error:"
    first, *rest = _safe(message, lines=True).split("\n")
    out.note(f"{label} {first}")
    for line in rest:
        out.note(f"  {line}")
    _rows(out, rows)


def _rows(out: Output, rows: Mapping[str, str]) -> None:
    for name, value in rows.items():
        if value:
            out.note(f"  {name}: {_safe(_as_part(value) if name == 'unchanged' else value)}")


def _as_part(text: str) -> str:
    """Return a sentence as the part of a line: all of them begin and end alike, whoever wrote them."""
    first, rest = text[:1], text[1:]
    is_word = rest[:1].islower()
    ends_once = text.endswith(".") and ". " not in text and not text.endswith("..")
    return (first.lower() if is_word else first) + (rest[:-1] if ends_once else rest)


def _safe(text: str, *, lines: bool = False) -> str:
    from skillsync.api.secret import redact

    return visible(redact(text), lines=lines)


def _system_refused(error: OSError) -> SystemRefused:
    return SystemRefused(
        f"the system refused: {error.strerror or error}", subject=str(error.filename or "")
    )


def _quiet() -> int:
    """Nobody reads any more: stop the interpreter from complaining about it at its end."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        pass
    return BROKEN_PIPE


# ---------------------------------------------------------------- the start of a command


def _open_run(given: Globals, options: dict[str, Any]) -> Run:
    """Take the shared options out of ``options``; those after the verb win."""
    as_json = bool(options.pop("as_json", False))
    verbose = bool(options.pop("verbose", False)) or given.verbose
    color = options.pop("color", None) or given.color or "auto"
    out = open_output(json_mode=as_json, color=cast("Any", color), verbose=verbose)
    directory = Path.cwd()
    for part in (given.directory, options.pop("directory", None)):
        directory = directory / part if part else directory
    if not directory.is_dir():
        _refuse(out, f"there is no folder {directory}")
    key_file = options.get("api_key_file")
    if key_file is not None:
        options["api_key_file"] = directory / Path(key_file).expanduser()
    return Run(directory=directory, out=out, json=as_json, verbose=verbose)


def _refuse(out: Output, message: str) -> NoReturn:
    raise click.exceptions.Exit(fail(out, click.UsageError(message)))


def wants_json(argv: Sequence[str]) -> bool:
    """Tell whether the words ask for JSON, even if they cannot be understood otherwise."""
    words = list(argv)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


__all__ = [
    "Run",
    "command_boundary",
    "fail",
    "guard",
    "wants_json",
]
