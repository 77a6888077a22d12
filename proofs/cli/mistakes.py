"""The mistake that ``--mistake`` names."""

from __future__ import annotations

from collections.abc import Iterable

import click


def mistake_named(given: str, names: Iterable[str]) -> str:
    """The name of the mistake; empty if there is none.

    :param names: the mistakes that the verb makes
    :raises click.UsageError: the verb does not make it
    """
    if not given:
        return ""
    from proofs.cli.names import known
    from proofs.mistakes.catalogue import CATALOGUE, FORMER

    name = FORMER.get(given, given)
    offered = list(names)
    if name in CATALOGUE and name not in offered:
        makes = (
            "the reference: `serve`, `diff` and `fuzz` make it"
            if CATALOGUE[name].generations
            else "the model: `prove` and `search` make it"
        )
        raise click.UsageError(f"{name!r} is a mistake of {makes}; there are: {', '.join(offered)}")
    return known("mistake", [name], offered)[0]
