"""Names on the command line: an unknown one is an error of one line, with a suggestion."""

from collections.abc import Iterable
from difflib import get_close_matches

import click


def unknown(kind: str, name: str, names: Iterable[str], ctx: click.Context | None = None) -> click.UsageError:
    """The error for a name that does not exist: it gives the nearest, or all that do."""
    there = list(names)
    near = get_close_matches(name, there, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(there)}"
    return click.UsageError(f"no {kind} {name!r}; {hint}", ctx)


def known(kind: str, given: Iterable[str], names: list[str], all_means: bool = False) -> list[str]:
    """The names given, each checked. `all` stands for all of them, and so does no name where the verb says so."""
    chosen = list(given)
    if all_means and (not chosen or "all" in chosen):
        return names
    for name in chosen:
        if name not in names:
            raise unknown(kind, name, names)
    return chosen


def known_semantics(given: Iterable[str], all_means: bool = False) -> list[str]:
    """The generations given, each checked; a variant is GENERATION+PART+..."""
    from model.generations.parts import PARTS
    from model.named import GENERATIONS

    chosen = list(given)
    generations = known("generation", [name.partition("+")[0] for name in chosen], list(GENERATIONS), all_means)
    known("part of a variant", [part for name in chosen for part in name.split("+")[1:]], list(PARTS))
    return generations if all_means and (not chosen or "all" in chosen) else chosen
