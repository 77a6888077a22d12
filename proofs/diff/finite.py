"""Arguments of finitely many values: kept together as a set that is split only where the code looks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from proofs.diff.explorer import Explorer

Of = TypeVar("Of")


Groups = list[tuple[Hashable, tuple[Of, ...]]]


class Finite(Generic[Of]):
    """The values that are still possible on this path."""

    def __init__(self, explorer: Explorer, values: Sequence[Of]) -> None:
        self._explorer = explorer
        self.values = tuple(values)

    def split(self, look: Callable[[Of], Hashable]) -> Any:
        """What the code sees of the value; forks over all it may see."""
        return self.take(grouped(self.values, look))

    def take(self, groups: Groups[Of]) -> Any:
        """One of the groups into which the values fall; forks over all."""
        seen, self.values = groups[self._explorer.choose("finite", len(groups))]
        return seen


def grouped(values: Sequence[Of], look: Callable[[Of], Hashable]) -> Groups[Of]:
    """The values by what is seen of them, in the order in which it is first seen."""
    groups: dict[Hashable, list[Of]] = {}
    for value in values:
        groups.setdefault(look(value), []).append(value)
    return [(seen, tuple(those)) for seen, those in groups.items()]


class Seen(Generic[Of]):
    """One part of a value of finitely many, looked at when it is compared or used as an index or truth."""

    __slots__ = ("_look", "name", "of")

    def __init__(self, of: Finite[Of], name: str) -> None:
        self.of = of
        self.name = name
        self._look: Callable[[Of], Any] = attrgetter(name)

    def part(self, value: Of) -> Any:
        """This part of one value."""
        return self._look(value)

    def __eq__(self, other: object) -> bool:
        return bool(self.of.split(lambda value: self._look(value) == other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __ge__(self, other: int) -> bool:
        return bool(self.of.split(lambda value: self._look(value) >= other))

    def __lt__(self, other: int) -> bool:
        return not self >= other

    def __gt__(self, other: int) -> bool:
        return self >= other + 1

    def __le__(self, other: int) -> bool:
        return not self > other

    def __bool__(self) -> bool:
        return bool(self.of.split(lambda value: bool(self._look(value))))

    def __index__(self) -> int:
        found = self.of.split(self._look)
        if not isinstance(found, int):
            raise TypeError(f"{found} is no index")
        return found

    def __hash__(self) -> int:
        return hash(self.of.split(self._look))


def parts(argument: object, values: Sequence[Of]) -> list[object]:
    """An argument of the code for each of the values: the same for all, or its part."""
    if isinstance(argument, Seen):
        return [argument.part(value) for value in values]
    return [argument] * len(values)
