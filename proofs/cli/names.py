"""Names on the command line: an unknown one is an error of one line, with a suggestion."""

from collections.abc import Iterable
from difflib import get_close_matches

import click


def known(kind: str, given: Iterable[str], names: list[str], all_means: bool = False) -> list[str]:
    """The names given, each checked; `all` (or none, where that means all) for all of them."""
    chosen = list(given)
    if all_means and (not chosen or "all" in chosen):
        return names
    for name in chosen:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
            raise click.UsageError(f"no {kind} {name!r}; {hint}")
    return chosen
