"""The premises of comparisons: where they do not hold, the two calls may differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from model.hosts.bounded import BoundedHost
from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.comparison import Comparison, Premise
from proofs.obligations.suite import places


def premises(part: str, semantics: str) -> Iterator[tuple[Comparison, Premise]]:
    """The premises of each call, except those without which there are not two calls to compare."""
    for place in places(PROPERTIES[part], GENERATIONS[semantics]):
        comparison, host = PROPERTIES[part].compared[place], BoundedHost(1, 1)
        for premise in comparison.build(host, host.state(), GENERATIONS[semantics].rules).premises:
            if not premise.applies:
                yield comparison, premise


@cache
def in_words(part: str, semantics: str) -> tuple[str, ...]:
    """The premises, each once; empty for a property that does not compare calls."""
    if part not in PROPERTIES or not PROPERTIES[part].compared:
        return ()
    return tuple(dict.fromkeys(premise.sentence for _, premise in premises(part, semantics)))


def notes(judged: Iterable[tuple[str, str]]) -> list[str]:
    """The notes below a table of verdicts on (part, generation): the premises of the parts that compare calls."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for part, semantics in dict.fromkeys(judged):
        if in_words(part, semantics):
            found.setdefault((part, in_words(part, semantics)), []).append(semantics)
    return [
        f"{part} ({', '.join(names)}) compares only calls where {'; '.join(premises_)}."
        for (part, premises_), names in found.items()
    ]
