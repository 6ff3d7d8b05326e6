"""The console script: finds the verb, imports only that verb's module, and leaves through the boundary."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import click

from skillsync import __version__
from skillsync.cli.options import INTERRUPTED, ColorChoice, Globals, standard_options

VERBS: Mapping[str, str] = {
    "init": "Write skillsync.toml for this repository.",
    "status": "Show what differs between here and there.",
    "diff": "Show the differences themselves.",
    "plan": "Show what push or pull would do.",
    "pull": "Take the remote's edits into your files.",
    "push": "Publish your skills and datasets.",
    "watch": "Keep files and server together while you work.",
    "adopt": "Link what exists on both sides but was never linked.",
    "review": "Show what merging BASE..HEAD does to the live store.",
    "comment": "Write a review, or what a push did, into the one comment of its pull request.",
    "conflicts": "Show what both sides changed.",
    "resolve": "Settle a conflict.",
    "rescue": "List and bring back what was overwritten.",
    "fmt": "Give dataset lines without an id their key.",
    "dataset": "Bring rows in from other tools' files, or out.",
    "lint": "Check skills and datasets, asking nobody.",
    "trust": "Say which hosts your key may be sent to.",
    "log": "List the versions of a skill or dataset and the commits that equal them.",
    "show": "Print one version of a skill or dataset.",
    "restore": "Publish an old version of a skill as a new one.",
    "undo": "Take back the last push of this clone.",
    "history": "Turn a skill's versions into commits.",
    "doctor": "Look for what is wrong around skillsync.",
    "textconv": "Show an items.jsonl field by field, for git diff.",
    "merge-driver": "Merge a pointer or an items.jsonl, for git.",
    "explain": "Explain a code such as E-CONFIG.",
    "serve": "Serve the API on this machine, from SQLite or PostgreSQL.",
    "server-admin": "Add projects, people and keys to a server.",
    "demo": "Show it all on a sample repository.",
}
"""Every verb and its short help, so that ``--help`` imports none of them."""


def module_of(verb: str) -> str:
    """Return the module of a verb: ``skillsync.cli.cmd_server_admin``."""
    return f"skillsync.cli.cmd_{verb.replace('-', '_')}"


class LazyGroup(click.Group):
    """Knows its verbs by name; a verb whose module does not exist yet is not there (design.md 6)."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's
        """Return the verbs that exist, in the order of VERBS."""
        return [verb for verb in VERBS if find_spec(module_of(verb)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """Import the verb's module and return its command."""
        if cmd_name not in VERBS or find_spec(module_of(cmd_name)) is None:
            return None
        command = getattr(import_module(module_of(cmd_name)), cmd_name.replace("-", "_"))
        if not isinstance(command, click.Command):
            raise TypeError(f"{module_of(cmd_name)} has no command called {cmd_name}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from the table."""
        rows = [(verb, VERBS[verb]) for verb in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the words; alone, leave the process with the exit code of design.md 6."""
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(words, prog_name, complete_var, standalone_mode=False, **extra)
        code = self._run(words, prog_name or "skillsync", complete_var, **extra)
        if code == INTERRUPTED:
            from skillsync.cli.interrupt import leave_if_abandoned

            leave_if_abandoned(code)
        sys.exit(code)

    def _run(self, words: list[str], prog_name: str, complete_var: str | None, **extra: Any) -> int:
        try:
            code = super().main(words, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            from skillsync.cli.boundary import fail, wants_json
            from skillsync.cli.render import open_output

            return fail(open_output(json_mode=wants_json(words)), error)
        return code if isinstance(code, int) else 0


@click.group(
    "skillsync",
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="-C, --color and -v may stand after the command, too.",
)
@standard_options(hidden=False)
@click.version_option(__version__, prog_name="skillsync", message="%(prog)s %(version)s")
@click.pass_context
def cli(
    context: click.Context, directory: Path | None, color: ColorChoice | None, verbose: bool
) -> None:
    """Git for what an AI agent knows: skills and datasets, synced without losing an edit."""
    context.obj = Globals(directory=directory, color=color, verbose=verbose)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> NoReturn:
    """Run skillsync on this process's arguments and leave with its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us: what is said goes nowhere
            setattr(sys, name, io.StringIO())
    cli.main()
    raise AssertionError("unreachable")
