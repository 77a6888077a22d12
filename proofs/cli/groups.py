"""Words that choose a command: an unknown one is answered with the nearest."""

from __future__ import annotations

from collections.abc import Iterable

import click

from proofs.cli.names import unknown


def known_word(kind: str, word: str, words: Iterable[str], ctx: click.Context) -> None:
    """Nothing, if the word is known or an option.

    :raises click.UsageError: it is not; names the nearest, or all
    """
    names = list(words)
    if word not in names and not word.startswith("-"):
        raise unknown(kind, word, names, ctx)


class Commands(click.Group):
    """A verb that has commands of its own."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args:
            known_word(f"command of {ctx.info_name}", args[0], self.commands, ctx)
        return super().resolve_command(ctx, args)
