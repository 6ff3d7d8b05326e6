"""The options that several commands share, each a decorator with one spelling and one help text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import click

ColorChoice: TypeAlias = "Literal['auto', 'always', 'never']"
F = TypeVar("F", bound=Callable[..., Any])

EXIT_DIFFERENT = 10
"""What ``--exit-code`` answers when there are differences (design.md 6)."""
INTERRUPTED = 130
"""After Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Globals:
    """What the words before the verb said."""

    directory: Path | None = None
    color: ColorChoice | None = None
    verbose: bool = False


def target_option(function: F) -> F:
    """Add ``--target NAME`` as ``target: str | None``."""
    return click.option(
        "--target", metavar="NAME", help="The target in skillsync.toml; default: default_target."
    )(function)


def json_option(function: F) -> F:
    """Add ``--json``; the boundary keeps it as ``run.json``."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON document on stdout, also on failure.",
    )(function)


def offline_option(function: F) -> F:
    """Add ``--offline`` as ``offline: bool``."""
    return click.option(
        "--offline", is_flag=True, help="Ask no server; compare with what is known from before."
    )(function)


def exit_code_option(function: F) -> F:
    """Add ``--exit-code`` as ``exit_code: bool``: answer EXIT_DIFFERENT when there are differences."""
    return click.option(
        "--exit-code", is_flag=True, help="Exit with 10 when there are differences."
    )(function)


def one_of(**flags: str) -> Callable[[F], F]:
    """Return a decorator adding flags of which at most one may be given, as ``chosen: str | None``, its name.

    ``flags`` maps a name to its help text. Two at once are a mistake and not the last one's.
    """

    def keep(context: click.Context, option: click.Parameter, given: bool) -> None:
        before = context.params.get("chosen")
        if given and before is not None:
            raise click.UsageError(f"--{before} and --{option.name} cannot both be given")
        context.params["chosen"] = option.name if given else before

    def decorate(function: F) -> F:
        for name, text in reversed(flags.items()):
            function = click.option(
                f"--{name}", is_flag=True, expose_value=False, callback=keep, help=text
            )(function)
        return function

    return decorate


def yes_option(function: F) -> F:
    """Add ``--yes`` as ``yes: bool``; it never covers removals."""
    return click.option("--yes", is_flag=True, help="Answer yes to questions; never to removals.")(
        function
    )


def api_key_file_option(function: F) -> F:
    """Add ``--api-key-file PATH`` as ``api_key_file: Path | None``; the boundary makes it absolute."""
    return click.option(
        "--api-key-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PATH",
        help="Read the API key from this file.",
    )(function)


def names_argument(function: F) -> F:
    """Add ``[NAME|PATH]...`` as ``names: tuple[str, ...]``: names, or paths from where the user stands."""
    return click.argument("names", nargs=-1, metavar="[NAME|PATH]...")(function)


def standard_options(*, hidden: bool) -> Callable[[F], F]:
    """Return a decorator adding ``-C``, ``--color`` and ``-v``: to skillsync itself, and hidden to each verb."""

    def decorate(function: F) -> F:
        for option in reversed(
            (
                click.option(
                    "-C",
                    "directory",
                    type=click.Path(path_type=Path),
                    metavar="DIR",
                    hidden=hidden,
                    help="Act as if started in DIR.",
                ),
                click.option(
                    "--color",
                    type=click.Choice(["auto", "always", "never"]),
                    hidden=hidden,
                    help="Colour the output; auto: on a terminal, unless NO_COLOR is set.",
                ),
                click.option(
                    "-v",
                    "--verbose",
                    is_flag=True,
                    hidden=hidden,
                    help="Say more about what happens.",
                ),
            )
        ):
            function = option(function)
        return function

    return decorate
