"""The mistake that ``--mistake`` names, or the option that was called otherwise."""

from __future__ import annotations

from collections.abc import Iterable

import click


def mistake_named(given: str, by_old_option: str, names: Iterable[str]) -> str:
    """The name of the mistake; empty if there is none.

    :param by_old_option: what was given by the former name of ``--mistake``
    :param names: the mistakes that the verb makes
    """
    if not given and not by_old_option:
        return ""
    if given and by_old_option:
        raise click.UsageError("--mistake is given twice")
    from proofs.cli.names import known
    from proofs.mistakes.catalogue import CATALOGUE, FORMER

    name = FORMER.get(given or by_old_option, given or by_old_option)
    offered = list(names)
    if name in CATALOGUE and name not in offered:
        makes = "the reference: `serve` and `diff` make it" if CATALOGUE[name].generations else "the rules of the model"
        raise click.UsageError(f"{name!r} is a mistake of {makes}; there are: {', '.join(offered)}")
    return known("mistake", [name], offered)[0]
