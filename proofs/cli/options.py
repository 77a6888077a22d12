"""Options that several verbs have, and types of their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from proofs.time_limits import START_LIMIT, STEP_LIMIT

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


def json_option(words: str = "Print the result as JSON.") -> Callable[[Command], Command]:
    """`--json`, with its help."""
    return click.option("--json", "as_json", is_flag=True, help=words)


def jobs_option(what: str = "Processes") -> Callable[[Command], Command]:
    """`--jobs`: how many of what work at a time."""
    return click.option("--jobs", type=click.IntRange(min=1), help=f"{what}.  [default: all processors]")


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


def step_limit_option(**more: Any) -> Callable[[Command], Command]:
    """`--step-limit`, of an outside program."""
    return _limit_option("--step-limit", STEP_LIMIT, **more)


def start_limit_option(**more: Any) -> Callable[[Command], Command]:
    """`--start-limit`, of an outside program."""
    return _limit_option("--start-limit", START_LIMIT, **more)


def _limit_option(name: str, seconds: float, **more: Any) -> Callable[[Command], Command]:
    return click.option(name, type=Seconds(min=0, min_open=True), default=seconds, show_default=True, **more)


class RulesOption(click.Option):
    """`--rules FILE`, which every verb has: the generation of the file is known by its name from then on."""

    def __init__(self) -> None:
        super().__init__(
            ["--rules"],
            metavar="FILE",
            multiple=True,
            is_eager=True,
            expose_value=False,
            callback=_note,
            help="Rules of your own, to use as a generation: docs/review-a-patch.md. Several.",
        )


def with_rules(command: click.Command) -> click.Command:
    """The verb, which takes `--rules` as well; of a verb that has commands of its own, these."""
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            with_rules(sub)
    elif not any(isinstance(param, RulesOption) for param in command.params):
        command.params.append(RulesOption())
        run = command.invoke

        def invoke(ctx: click.Context) -> Any:
            _load(ctx, ctx.meta.get(_RULES, ()))
            return run(ctx)

        command.invoke = invoke  # type: ignore[method-assign]
    return command


_RULES = "proofs.cli.options.rules"
"""Where a context has the paths."""


def _note(ctx: click.Context, _param: click.Parameter, paths: tuple[str, ...]) -> None:
    """What is typed is not loaded before the command runs; but where a shell completes names."""
    ctx.meta[_RULES] = paths
    if ctx.resilient_parsing:
        with suppress(click.UsageError):
            _load(ctx, paths)


def _load(ctx: click.Context, paths: Sequence[str]) -> None:
    """Make the generations known. Where none is chosen with `--generation`, they are what is meant.

    :raises click.UsageError: a file cannot be used
    """
    if not paths:
        return
    from proofs.rules import RulesError
    from proofs.rules.loading import load

    try:
        names = tuple(dict.fromkeys(load(path).name for path in paths))
    except RulesError as error:
        raise click.UsageError(str(error), ctx) from None
    chosen = next((param for param in ctx.command.params if param.name == "semantics"), None)
    if chosen is not None and ctx.get_parameter_source("semantics") is ParameterSource.DEFAULT:
        ctx.params["semantics"] = names if chosen.multiple else names[0]
        ctx.set_parameter_source("semantics", ParameterSource.DEFAULT_MAP)
