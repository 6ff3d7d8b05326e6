"""``skillsync explain``: what a code such as E-REMOTE-AHEAD means and what helps."""

from __future__ import annotations

import textwrap

import click

from skillsync.cli.boundary import Run, command_boundary
from skillsync.cli.options import json_option
from skillsync.errors import UsageError
from skillsync.model import Json

SCHEMA = "skillsync.explain/1"


@click.command()
@click.argument("code", required=False)
@json_option
@command_boundary
def explain(run: Run, *, code: str | None) -> int:
    """Explain a code such as E-CONFIG.

    Without CODE, list them all.
    """
    from skillsync.cli.explanations import Explanation, all_explanations

    known = all_explanations()
    chosen: list[Explanation] = list(known.values())
    if code is not None:
        chosen = [known[code.upper()]] if code.upper() in known else []
        if not chosen:
            raise _unknown(code, list(known))
    width = max(40, min(run.out.width, 100))
    column = max(len(each.code) for each in chosen) + 2
    for each in chosen:
        if code is None:
            text = textwrap.shorten(each.text, max(20, width - column), placeholder=" …")
            run.out.data(f"{each.code:<{column}}{text}")
        else:
            exit_code = "" if each.exit_code is None else f"  (exit {each.exit_code})"
            run.out.data(each.code + exit_code, style="heading")
            run.out.data(textwrap.fill(each.text, width, break_on_hyphens=False))
    codes: list[Json] = [
        {"code": each.code, "text": each.text, "exit": each.exit_code} for each in chosen
    ]
    run.out.emit_json(SCHEMA, {"codes": codes})
    return 0


def _unknown(code: str, known: list[str]) -> UsageError:
    import difflib

    close = difflib.get_close_matches(code.upper(), known, n=1)
    return UsageError(
        f"there is no code {code!r}",
        subject=code,
        hint=f"skillsync explain {close[0]}" if close else "skillsync explain",
    )
