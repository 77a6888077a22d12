"""Arguments of finitely many values: kept together as a set that is split only where the code looks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from proofs.diff.explorer import Explorer

Value = TypeVar("Value", bound=Hashable)
Of = TypeVar("Of")


class Finite(Generic[Of]):
    """The values that are still possible on this path."""

    def __init__(self, explorer: Explorer, values: Sequence[Of]) -> None:
        self._explorer = explorer
        self.values = list(values)

    def split(self, look: Callable[[Of], Value]) -> Value:
        """What the code sees of the value; forks over all it may see."""
        groups: dict[Value, list[Of]] = {}
        for value in self.values:
            groups.setdefault(look(value), []).append(value)
        seen = list(groups)[self._explorer.choose("finite", len(groups))]
        self.values = groups[seen]
        return seen


class Seen(Generic[Of]):
    """One part of a value of finitely many, looked at when it is compared or used as an index or truth."""

    __slots__ = ("_look", "of")

    def __init__(self, of: Finite[Of], look: Callable[[Of], Hashable]) -> None:
        self.of = of
        self._look = look

    def part(self, value: Of) -> Hashable:
        """This part of one value."""
        return self._look(value)

    def __eq__(self, other: object) -> bool:
        return self.of.split(lambda value: self._look(value) == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __ge__(self, other: int) -> bool:
        return self.of.split(lambda value: self._look(value) >= other)  # type: ignore[operator]  # a number then

    def __lt__(self, other: int) -> bool:
        return not self >= other

    def __bool__(self) -> bool:
        return self.of.split(lambda value: bool(self._look(value)))

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
