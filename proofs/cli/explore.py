"""``claimcheck explore``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import click

from proofs.cli.options import generation_option

STANDARD_INPUT = "-"
TERMINAL = "/dev/tty"


@click.command(
    short_help="play on a host in the terminal, one operation at a time",
    epilog="""\b
Examples:
  claimcheck explore
  claimcheck explore tests/data/scripts/redeem.claims
  claimcheck explore tests/data/findings/claim-sets/host-backed.jsonl
  claimcheck explore --generation claim-sets --generation per-node-v8 FILE
  claimcheck search --property node-backed --json | claimcheck explore -
Keys are listed by F1 and in docs/explore.md; the language is that of `claimcheck run`.""",
)
@click.argument("file", required=False)
@generation_option(multiple=True, help="Instead of the file's own; two: side by side.  [default: claim-sets]")
@click.option("--trace", "number", type=click.IntRange(min=1), default=1, help="Which trace of the file.  [default: 1]")
@click.pass_context
def explore(ctx: click.Context, file: str | None, semantics: tuple[str, ...], number: int) -> None:
    """Play on a host: type operations, step, undo, branch, and find a break from where you are.

    FILE is a script, or a trace or finding, whose lines are then stepped through; without it there is no line yet.
    Needs a terminal of 80x24, and the package Textual.
    """
    if importlib.util.find_spec("textual") is None:
        raise click.UsageError("explore needs Textual: pip install 'claimcheck[explore]'")
    if len(semantics) > 2:
        raise click.UsageError("one generation, or two to show side by side")
    _check_generations(semantics)
    content = _read(file)
    if not (os.isatty(0) and os.isatty(2)):
        raise click.UsageError("explore needs a terminal; `claimcheck run` runs a script without one")

    from proofs.play.app import ExploreApp, WalkOrigin

    name = "typed" if file is None else "standard input" if file == STANDARD_INPUT else file
    app = ExploreApp(WalkOrigin(name, content, semantics or (None,), number))
    script = app.run()
    if app.problem:
        raise click.UsageError(app.problem)
    if script:
        click.echo(script, nl=False)
    ctx.exit(app.return_code or 0)


def _check_generations(semantics: tuple[str, ...]) -> None:
    """The names, without importing the model."""
    if not semantics:
        return
    from proofs.cli.names import known
    from reference.generations import GENERATIONS

    known("generation", semantics, list(GENERATIONS))


def _read(file: str | None) -> bytes:
    """The content of a file; keys then come from the terminal."""
    if file is None:
        return b""
    try:
        if file != STANDARD_INPUT:
            return Path(file).read_bytes()
        content = sys.stdin.buffer.read()
        os.dup2(os.open(TERMINAL, os.O_RDWR), 0)
    except (OSError, ValueError) as error:
        name = "standard input" if file == STANDARD_INPUT else file
        raise click.UsageError(f"{name}: {getattr(error, 'strerror', None) or error}") from None
    return content
