"""Checks that README's help texts and ARCHITECTURE's map say what the code says; ``--write`` refreshes them."""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tokenize
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from skillsync.cli.main import cli

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "skillsync"
WIDTH = 78
"""What click makes of a terminal with 80 columns."""

_HELP = re.compile(r"(?s)(<!-- help:(?P<verb>[a-z -]+?) -->\n).*?(<!-- /help -->)")
_MAP = re.compile(r"(?s)(<!-- map -->\n).*?(<!-- /map -->)")


_SILENT = {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE}


class Missing(Exception):
    """A document asks for something that the code does not have."""


def help_text(words: str) -> str:
    """Return what ``skillsync WORDS --help`` prints; the words ``skillsync`` mean the whole."""
    context = click.Context(cli, info_name="skillsync", terminal_width=WIDTH)
    command: click.Command = cli
    for verb in [] if words == "skillsync" else words.split():
        found = command.get_command(context, verb) if isinstance(command, click.Group) else None
        if found is None:
            raise Missing(f"there is no command `skillsync {words}`")
        context = click.Context(found, info_name=verb, parent=context, terminal_width=WIDTH)
        command = found
    return command.get_help(context)


def with_help_texts(readme: str) -> str:
    """Return README with the present help text between each pair of markers."""

    def replaced(match: re.Match[str]) -> str:
        return f"{match[1]}```text\n{help_text(match['verb'])}\n```\n{match[3]}"

    return _HELP.sub(replaced, readme)


def with_map(architecture: str, package: Path = PACKAGE) -> str:
    """Return ARCHITECTURE with the present map between its markers."""
    if not _MAP.search(architecture):
        raise Missing("ARCHITECTURE.md has no <!-- map --> … <!-- /map -->")
    text = module_map(package)
    return _MAP.sub(lambda match: f"{match[1]}{text}{match[2]}", architecture)


def module_map(package: Path) -> str:
    """Return one line per module, by room: its path and the first line of its docstring."""
    lines: list[str] = []
    room = Path()
    for path in modules(package):
        relative = path.relative_to(package)
        if relative.parent != room:
            room = relative.parent
            lines.append("")
        name = relative.parent if relative.name == "__init__.py" else relative
        shown = f"{name}/" if relative.name == "__init__.py" else str(name)
        lines.append(f"- `{'skillsync/' if shown == './' else shown}`: {first_line(path)}")
    return "\n".join(lines) + "\n"


def modules(package: Path) -> Iterator[Path]:
    """Yield the modules that belong on the map: those of the package itself, then room by room."""
    found = [path for path in package.rglob("*.py") if "migrations" not in path.parts]

    def key(path: Path) -> tuple[str, bool, str]:
        room = str(path.relative_to(package).parent)
        return room, path.name != "__init__.py", path.name

    yield from sorted(found, key=key)


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring. Raises Missing without one."""
    with path.open("rb") as file:
        # The rest of the module need not be understood for it.
        said = next(each for each in tokenize.tokenize(file.readline) if each.type not in _SILENT)
    text = cleandoc(ast.literal_eval(said.string)) if said.type == tokenize.STRING else ""
    if not text:
        raise Missing(f"{path} has no docstring")
    return text.splitlines()[0].replace("``", "`")


def verbs_missing_in(readme: str) -> list[str]:
    """Return the verbs that README never shows as ``skillsync VERB``."""
    verbs = cli.list_commands(click.Context(cli))
    return [verb for verb in verbs if not re.search(rf"\bskillsync {verb}(?![\w-])", readme)]


def check(root: Path, *, write: bool) -> list[str]:
    """Return what does not agree, after refreshing what can be when ``write``."""
    trouble: list[str] = []
    for name, refresh in (("README.md", with_help_texts), ("ARCHITECTURE.md", with_map)):
        path = root / name
        if not path.exists():
            trouble.append(f"{name} is missing")
            continue
        before = path.read_text("utf-8")
        try:
            after = refresh(before)
        except Missing as missing:
            trouble.append(f"{name}: {missing}")
            continue
        if after != before and write:
            path.write_text(after, "utf-8")
        elif after != before:
            trouble.append(f"{name} does not agree with the code: make docs")
    readme = root / "README.md"
    if readme.exists():
        text = readme.read_text("utf-8")
        trouble += [f"README.md never shows `skillsync {verb}`" for verb in verbs_missing_in(text)]
    return trouble


def main() -> int:
    """Check, print what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="refresh what can be refreshed")
    trouble = check(ROOT, write=parser.parse_args().write)
    for line in trouble:
        print(line, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
