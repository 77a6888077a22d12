"""An option that had another name: the former one is accepted for a release, and shown nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class RenamedOption(click.Option):
    """An option of which former names are accepted too."""

    def __init__(self, *args: Any, former: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.former = list(former)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """The parser knows all names; help and completion only what `opts` has."""
        shown = self.opts
        self.opts = [*shown, *self.former]
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts = shown


def generation_option(**more: Any) -> Callable[[Command], Command]:
    """`--generation`, which was `--semantics`; the field of traces is still called that."""
    return click.option("--generation", "semantics", cls=RenamedOption, former=("--semantics",), **more)
