"""The verb `fmt`: give dataset lines without an id their key."""

from __future__ import annotations

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option, names_argument, target_option


@click.command()
@names_argument
@target_option
@click.option("--check", is_flag=True, help="Change nothing; exit 10 when something would change.")
@json_option
@command_boundary
def fmt(run: Run, *, names: tuple[str, ...], target: str | None, check: bool) -> int:
    """Give dataset lines without an id their key.

    Also quotes frontmatter values that are no YAML otherwise. Nothing else on a line is touched.
    """
    import secrets

    from skillsync.cli.options import EXIT_DIFFERENT
    from skillsync.cli.render import visible
    from skillsync.cli.session import open_workspace, problems_json
    from skillsync.sync.tidy import fmt as tidy
    from skillsync.sync.writing import Writer

    workspace = open_workspace(run)
    settings = workspace.settings
    found = tidy(
        workspace,
        settings.target(target) if settings.targets else None,
        names=names,
        new_key=lambda: secrets.token_hex(16),
        check=check,
        writer=Writer(workspace),
    )
    for path, words in found.done.items():
        run.out.data(f"{visible(path)}: {'would be changed: ' if check else ''}{words}")
    run.out.problems(found.problems)
    if not found.done and not found.problems:
        run.out.data("nothing to change")
    code = EXIT_DIFFERENT if check and found.done else 0
    if found.problems:
        code = 5 if found.done else 1
    run.out.emit_json(
        "skillsync.fmt/1",
        {
            "changed": {**found.done},
            "check": check,
            "problems": problems_json(found.problems),
            "exit": code,
        },
    )
    return code
