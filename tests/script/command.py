"""`claimcheck run` in this process: what it prints, its exit code, and its line on standard error."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click
from click.testing import CliRunner

from proofs.cli.main import claimcheck


class RunOutput(NamedTuple):
    """How the command ended."""

    code: int
    out: str
    err: str


def run(*arguments: str, stdin: bytes | None = None) -> RunOutput:
    """Call ``claimcheck run``; an exception other than wrong use is raised."""
    ended = CliRunner().invoke(claimcheck, ["run", *arguments], input=stdin, standalone_mode=False)
    if isinstance(ended.exception, click.ClickException):  # main() prints it so
        return RunOutput(2, ended.stdout, f"{ended.stderr}claimcheck: {ended.exception.format_message()}\n")
    if ended.exception is not None:
        raise ended.exception
    return RunOutput(int(ended.return_value or 0), ended.stdout, ended.stderr)


def run_script(folder: Path, content: bytes, *options: str, name: str = "mine.claims") -> RunOutput:
    """Call ``claimcheck run`` on a file with this content."""
    file = folder / name
    file.write_bytes(content)
    return run(*options, str(file))
