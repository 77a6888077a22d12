"""Options that several verbs have, and types of their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class RenamedOption(click.Option):
    """An option that had other names: they are accepted for a release, and shown nowhere."""

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
    """`--generation`, which was `--semantics`; the field of traces still has that name."""
    return click.option("--generation", "semantics", cls=RenamedOption, former=("--semantics",), **more)


def mistake_option(where: str) -> Callable[[Command], Command]:
    """`--mistake`, which was `--mutate` in some verbs and `--bug` in others.

    :param where: what has the mistake: `the rules` or `the reference`
    """
    return click.option(
        "--mistake",
        cls=RenamedOption,
        former=("--mutate", "--bug"),
        default="",
        metavar="NAME",
        help=f"With this deliberate mistake in {where}.",
    )


class Seconds(click.FloatRange):
    """A time in seconds: a number, neither `nan` nor `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number.

        :raises click.BadParameter: it is no finite number, or out of range
        """
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds
