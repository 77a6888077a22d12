"""`claimcheck` in this process: what it prints, its exit code, and its line on standard error."""

from __future__ import annotations

from typing import NamedTuple

import click
from click.testing import CliRunner

from proofs.cli.main import claimcheck


class RunOutput(NamedTuple):
    """How the command ended."""

    code: int
    out: str
    err: str


def run_here(*arguments: str, stdin: bytes | None = None, columns: int | None = None) -> RunOutput:
    """Call ``claimcheck``; an exception other than wrong use is raised.

    :param columns: the width of the terminal, as its environment gives it
    """
    environment = None if columns is None else {"COLUMNS": str(columns)}
    ended = CliRunner(env=environment).invoke(claimcheck, arguments, input=stdin, standalone_mode=False)
    if isinstance(ended.exception, click.ClickException):  # main() prints it so
        return RunOutput(2, ended.stdout, f"{ended.stderr}claimcheck: {ended.exception.format_message()}\n")
    if ended.exception is not None:
        raise ended.exception
    return RunOutput(int(ended.return_value or 0), ended.stdout, ended.stderr)
