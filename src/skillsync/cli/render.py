"""What commands print with: data on stdout, narration on stderr, one JSON document, tables, problems, colour."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO, TypeAlias

from skillsync.cli.aimed import aimed_json, aimed_line
from skillsync.cli.progress import Progress, Silent, choose_progress
from skillsync.cli.visible import ASCII, cell_width, visible
from skillsync.model import Problem, Severity

if TYPE_CHECKING:
    from skillsync.cli.options import ColorChoice
    from skillsync.model import Json

Cell: TypeAlias = "str | tuple[str, str]"
"""A cell's text, or the text and a style of STYLES."""

STYLES: Mapping[str, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "error": "1;31",
    "warning": "33",
    "note": "36",
    "added": "32",
    "removed": "31",
    "changed": "33",
    "heading": "1",
}
"""Names of styles and their ANSI parameters."""


@dataclass(slots=True)
class Output:
    """One command's way to the outside: where it prints, in colour or not, how wide, in which characters.

    In JSON mode nothing but ``emit_json`` reaches stdout, so that a command may print for people as well. ``target`` is
    the target that the user named: the commands that are shown name it, too.
    """

    stdout: TextIO
    stderr: TextIO
    json_mode: bool = False
    color: bool = False
    error_color: bool = False
    width: int = 80
    unicode: bool = True
    verbose: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    emitted: bool = False
    target: str = ""

    @property
    def interactive(self) -> bool:
        """Tell whether a person can be asked: a terminal on both ends, no JSON (design.md 6)."""
        return not self.json_mode and _is_terminal(sys.stdin) and _is_terminal(self.stderr)

    def data(self, text: str = "", *, style: str = "") -> None:
        """Print a line of the command's result. The text may hold our own styling; make foreign text visible."""
        if not self.json_mode:
            self._write(self.stdout, self.style(aimed_line(text, self.target), style))

    def note(self, text: str = "", *, style: str = "") -> None:
        """Print a line about what is happening. What looks like a key is taken out."""
        from skillsync.api.secret import redact

        clean = redact(aimed_line(text, self.target))
        self._write(self.stderr, _styled(clean, style) if self.error_color else clean)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.note(f"{_styled('warning:', 'warning') if self.error_color else 'warning:'} {text}")

    def detail(self, text: str) -> None:
        """Print a line about what is happening, for ``-v`` only."""
        if self.verbose:
            self.note(text, style="dim")

    def style(self, text: str, style: str) -> str:
        """Return ``text`` in one of STYLES for stdout, unchanged where there is no colour."""
        return _styled(text, style) if self.color else text

    def emit_json(self, schema: str, payload: Mapping[str, Json]) -> None:
        """Print the command's one JSON document: ``schema`` (``skillsync.status/1``) first, then ``payload``.

        Plain ASCII, so that no terminal obeys a character in it. Does nothing outside JSON mode; a second call is
        a mistake of ours.
        """
        if not self.json_mode:
            return
        if self.emitted:
            raise RuntimeError("a command may print one JSON document only")
        told = aimed_json({"schema": schema, **payload}, self.target)
        document = json.dumps(told, indent=2, ensure_ascii=True)
        self.emitted = True
        self.stdout.write(document + "\n")
        self.stdout.flush()

    def raw(self, text: str) -> None:
        """Print a whole rendering on stdout as it is: its maker has escaped it. Nothing in JSON mode."""
        if not self.json_mode:
            for line in text.removesuffix("\n").split("\n"):
                self._write(self.stdout, line)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Print rows in columns; on a terminal long texts wrap, in a pipe nothing is cut."""
        if self.json_mode:
            return
        cells = [list(row) for row in rows]
        if _is_terminal(self.stdout):
            lines = _terminal_table(headers, cells, width=self.width, color=self.color)
        else:
            lines = self._plain_table(headers, cells)
        for line in lines:
            self._write(self.stdout, line)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Print each problem on stderr."""
        for problem in problems:
            for line in problem_lines(problem, color=self.error_color):
                self.note(line)

    def progress(self, label: str, total: int | None = None) -> Progress:
        """Return a context manager that shows how far we are, where somebody can see it.

        Silent by default; a line that changes, on a terminal and after half a second; a heartbeat line in CI. What
        takes long is a note before it begins, in any case.
        """
        if self.json_mode and not _is_terminal(self.stderr):
            return Silent(self._ahead)
        return choose_progress(
            self.stderr,
            label=visible(label),
            total=total,
            terminal=_is_terminal(self.stderr) and self.environ.get("TERM") != "dumb",
            ci=bool(self.environ.get("CI")),
            width=self.width,
            say=self._ahead,
        )

    def _ahead(self, text: str) -> None:
        self.note(f"note: {visible(text)}")

    def _plain_table(self, headers: Sequence[str], rows: list[list[Cell]]) -> list[str]:
        texts = [list(headers), *([_cell(cell)[0] for cell in row] for row in rows)]
        widths = [max(map(cell_width, column)) for column in zip(*texts, strict=True)]
        styles = [["heading"] * len(headers), *([_cell(cell)[1] for cell in row] for row in rows)]
        return [
            "  ".join(
                self.style(text, style) + " " * (width - cell_width(text))
                for text, style, width in zip(row, row_styles, widths, strict=True)
            ).rstrip()
            for row, row_styles in zip(texts, styles, strict=True)
        ]

    def _write(self, stream: TextIO, line: str) -> None:
        text = line if self.unicode else line.translate(ASCII)
        try:
            stream.write(text + "\n")
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def open_output(
    *,
    json_mode: bool = False,
    color: ColorChoice = "auto",
    verbose: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Output:
    """Return the Output for this process's own streams and environment."""
    environ = os.environ if environ is None else environ
    return Output(
        stdout=sys.stdout,
        stderr=sys.stderr,
        json_mode=json_mode,
        color=wants_color(sys.stdout, choice=color, environ=environ) and not json_mode,
        error_color=wants_color(sys.stderr, choice=color, environ=environ),
        width=max(20, shutil.get_terminal_size((80, 24)).columns),
        unicode=_speaks_unicode(sys.stdout) and _speaks_unicode(sys.stderr),
        verbose=verbose,
        environ=environ,
    )


def wants_color(stream: TextIO, *, choice: ColorChoice, environ: Mapping[str, str]) -> bool:
    """Decide about colour: the option first, then ``NO_COLOR`` (if not empty), then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb" and _is_terminal(stream)


def problem_lines(problem: Problem, *, color: bool = False) -> list[str]:
    """Return the lines that tell a person one problem: how bad, where, what, its code, what helps."""
    kind = (
        _styled(problem.severity.value, problem.severity.value) if color else problem.severity.value
    )
    where = visible(problem.where or problem.subject)
    code = _styled(problem.code, "dim") if color else problem.code
    first, *rest = visible(problem.message, lines=True).split("\n")
    lines = [": ".join(part for part in (kind, where, first) if part) + f"  [{code}]"]
    lines += [f"    {line}" for line in rest]
    if problem.fix:
        label = "next" if problem.severity is Severity.ERROR else "fix"
        lines.append(f"    {label}: {visible(problem.fix)}")
    return lines


def _styled(text: str, style: str) -> str:
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and text else text


def _cell(cell: Cell) -> tuple[str, str]:
    return (cell, "") if isinstance(cell, str) else cell


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _speaks_unicode(stream: TextIO) -> bool:
    try:
        "…→✓│".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _terminal_table(
    headers: Sequence[str], rows: list[list[Cell]], *, width: int, color: bool
) -> list[str]:
    """Lay the table out with rich, which wraps cells on a narrow terminal."""
    import io

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text.from_ansi(_styled(*_cell(cell))) for cell in row))
    sink = io.StringIO()
    console = Console(
        file=sink,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
    )
    console.print(table)
    return [line.rstrip() for line in sink.getvalue().rstrip("\n").split("\n")]


__all__ = [
    "STYLES",
    "Cell",
    "Output",
    "cell_width",
    "open_output",
    "problem_lines",
    "visible",
    "wants_color",
]
