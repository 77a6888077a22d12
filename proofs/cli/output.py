"""What the verbs share in printing: JSON, tables that a pipe does not cut, progress on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


def print_json(content: Any) -> None:
    """Write a result as JSON, indented."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(content)).decode() + "\n")


def console() -> Console:
    """Standard output: as wide as the terminal; in a pipe wide enough for any table."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 4096)


def table(*columns: str) -> Table:
    """An empty table; columns whose name ends in ``#`` hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    result = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        result.add_column(name.rstrip("#"), justify="right" if name.endswith("#") else "left", overflow="fold")
    return result


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress bar on standard error, or none where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield progress
