"""What the verbs share in printing: JSON, tables, sentences as wide as the terminal, progress on a terminal only."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

UNLIMITED = 4096
"""Columns of a pipe: no table is as wide."""


def print_json(content: Any) -> None:
    """Write a result as JSON, indented."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(content)).decode() + "\n")


def write_text(text: str, out: str | None) -> None:
    """Write to a file, whole or not at all; None: to standard output. Its folder has to be there.

    What is no regular file, such as /dev/stdout, is written to in its place.

    :raises click.UsageError: the file cannot be written
    """
    from pathlib import Path

    from proofs.atomic import write_atomically

    if out is None:
        click.echo(text, nl=False)
        return
    path = Path(out)
    if not path.parent.is_dir():
        raise click.UsageError(f"{out}: No such file or directory")
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            write_atomically(path, text.encode())
    except OSError as error:
        raise click.UsageError(f"{out}: {error.strerror or error}") from None


def columns() -> int:
    """The width of the output: COLUMNS if that is set, else that of the terminal; in a pipe no limit."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return shutil.get_terminal_size().columns
    return UNLIMITED


def console(width: int | None = None) -> Console:
    """Standard output for tables.

    A reader that has closed the pipe is reported by `proofs.cli.main`: rich would end the process with 1, which means
    refuted.
    """
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Output(highlight=False, width=width or columns())


def say(text: str, err: bool = False) -> None:
    """Print a sentence, wrapped between words; what follows its first line is indented as that is."""
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        wrapped = textwrap.wrap(
            line, columns(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        click.echo("\n".join(wrapped), err=err)


def table(*names: str) -> Table:
    """An empty table; columns whose name ends in ``#`` hold numbers. :func:`show_table` prints it."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    result = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        result.add_column(name.rstrip("#"), justify="right" if name.endswith("#") else "left", overflow="fold")
    return result


def show_table(shown: Table) -> None:
    """Print a table as wide as the terminal. Cells are wrapped between words, the longest first."""
    texts = [[str(column.header), *map(str, column.cells)] for column in shown.columns]
    widths = [max(len(line) for text in cells for line in text.splitlines() or [""]) for cells in texts]
    least = [max((len(word) for text in cells for word in text.split()), default=1) for cells in texts]
    room = columns() - 3 * len(widths)  # a blank on either side, and one between
    while sum(widths) > room and widths != least:
        widest = max(range(len(widths)), key=lambda i: widths[i] if widths[i] > least[i] else 0)
        widths[widest] -= 1
    for column, width in zip(shown.columns, widths, strict=True):
        column.width = width
    console(max(columns(), sum(widths) + 3 * len(widths))).print(shown)


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress bar on standard error, or None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield progress
