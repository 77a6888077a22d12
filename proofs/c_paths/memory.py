"""The objects of a C program on one path: cells with numbers and pointers, structures, arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .tree import SourcePlace
from .types import ArrayType, StructType

UNDEFINED, ASSERTION, LOCKS = "undefined", "crash", "locks"
"""How a path can end before its function returns: undefined behaviour, an assertion, a lock taken twice."""


class PathEndError(Exception):  # the end of a path, not an error
    """The path ends here; ``result`` as for an outcome."""

    def __init__(self, result: str, why: str, place: SourcePlace, unseen: bool = False) -> None:
        """``unseen``: no sanitizer detects it."""
        super().__init__(f"{place}: {why}")
        self.result, self.why, self.place, self.unseen = result, why, place, unseen


class UnsupportedError(Exception):  # the verdict, not an error
    """The path reaches something that is not executed; the message names file and line."""

    def __init__(self, what: str, place: SourcePlace) -> None:
        super().__init__(f"{place}: not supported: {what}")


class EndlessError(UnsupportedError):
    """The path has very many statements: it may never end."""


class _Mark:
    """A value that is no number."""

    def __init__(self, name: str) -> None:
        self.name = name


UNSET: Any = _Mark("not initialised")


_journal: list[tuple[Any, Any]] = []
"""Cells with the values that they had, and structures and arrays with what they were filled with."""


def undo_all() -> None:
    """Give all objects the values that they had when the path began."""
    for target, before in reversed(_journal):
        if target.__class__ is Cell:
            target.value = before
        else:
            target.fill = before
    _journal.clear()


def keep_all() -> None:
    """What objects are now, they are when a path begins."""
    _journal.clear()


@contextmanager
def kept() -> Iterator[None]:
    """What is set in the block stays when the path ends: an object is made as the program begins."""
    before = len(_journal)
    yield
    del _journal[before:]


class LazyValue:
    """A value that is decided when it is first read."""

    __slots__ = ("decide",)

    def __init__(self, decide: Callable[[], Any]) -> None:
        self.decide = decide


class Cell:
    """An integer or a pointer."""

    __slots__ = ("name", "type", "value")

    def __init__(self, type_: Any, value: Any, name: str) -> None:
        self.type, self.value, self.name = type_, value, name

    def load(self, place: SourcePlace) -> Any:
        """Its value.

        :raises PathEndError: it was never set
        """
        value = self.value
        if value.__class__ is LazyValue:
            value = value.decide()
            self.store(value)
        elif value is UNSET:
            raise PathEndError(UNDEFINED, f"reads {self.name}, which is not initialised", place, unseen=True)
        return value

    def store(self, value: Any) -> None:
        """Set its value, until the path ends."""
        _journal.append((self, self.value))
        self.value = value


class Struct:
    """A structure; its fields are made when they are used."""

    __slots__ = ("fields", "fill", "name", "type")

    def __init__(self, type_: StructType, fill: Any, name: str) -> None:
        self.type, self.fill, self.name = type_, fill, name
        self.fields: dict[str, Any] = {}

    def field(self, name: str) -> Any:
        """A field."""
        found = self.fields.get(name)
        if found is None:
            found = self.fields[name] = made(self.type.fields[name], self.fill, f"{self.name}.{name}")
        return found


class Array:
    """An array; its elements are made when they are used."""

    __slots__ = ("fill", "items", "limit", "name", "type", "why")

    def __init__(self, type_: ArrayType, fill: Any, name: str) -> None:
        self.type, self.fill, self.name = type_, fill, name
        self.items: dict[int, Any] = {}
        self.limit = type_.count
        """The number of elements that may be used."""
        self.why = "beyond its end"
        """Why others may not."""

    def item(self, index: int, place: SourcePlace) -> Any:
        """An element.

        :raises PathEndError: there is none, or it may not be used
        """
        found = self.items.get(index)
        if found is None:
            if index < 0 or self.limit is None or index >= self.limit:
                why = f"uses {self.name}[{index}], {self.why}"
                raise PathEndError(UNDEFINED, why, place, unseen=True)
            found = self.items[index] = made(self.type.of, self.fill, f"{self.name}[{index}]")
        return found


class Pointer:
    """A pointer to an element of an array, or to an object that is in none."""

    __slots__ = ("array", "index", "single")

    def __init__(self, array: Array | None, index: int, single: Any = None) -> None:
        self.array, self.index, self.single = array, index, single

    def target(self, place: SourcePlace) -> Any:
        """The object that it points to."""
        if self.array is not None:
            return self.array.item(self.index, place)
        if self.index:
            raise PathEndError(UNDEFINED, f"uses what is {self.index} after {self.single.name}", place, unseen=True)
        return self.single

    def moved(self, by: int) -> Pointer:
        """The pointer to a later element."""
        return Pointer(self.array, self.index + by, self.single)

    def same(self, other: Any) -> bool:
        """Whether both point to the same object."""
        return (
            other.__class__ is Pointer
            and self.array is other.array
            and self.index == other.index
            and self.single is other.single
        )


def made(type_: Any, fill: Any, name: str) -> Any:
    """A new object, with ``fill`` in all its cells."""
    if isinstance(type_, StructType):
        return Struct(type_, fill, name)
    if isinstance(type_, ArrayType):
        return Array(type_, fill, name)
    value = fill
    if fill == 0 and fill is not UNSET and not hasattr(type_, "bits"):
        value = None  # a null pointer
    return Cell(type_, value, name)


def pointer_to(target: Any) -> Pointer:
    """A pointer to an object that is in no array."""
    return Pointer(None, 0, target)


def assigned(target: Any, value: Any, place: SourcePlace) -> None:
    """Copy a structure or an array."""
    if target is value:
        return
    if target.type is not value.type:
        raise UnsupportedError(f"{value.type} is stored as {target.type}", place)
    _journal.append((target, target.fill))
    target.fill = value.fill
    kept = value.fields if isinstance(value, Struct) else value.items
    copied = target.fields if isinstance(target, Struct) else target.items
    for key in {**kept, **copied}:
        if isinstance(value, Struct):
            one, other = target.field(key), value.field(key)
        else:
            one, other = target.item(key, place), value.item(key, place)
        if isinstance(one, Cell):
            one.store(other.value if other.value is UNSET else other.load(place))
        else:
            assigned(one, other, place)


def cleared(target: Any, place: SourcePlace) -> None:
    """Set every byte to 0."""
    if isinstance(target, Cell):
        target.store(0 if hasattr(target.type, "bits") else None)
        return
    _journal.append((target, target.fill))
    target.fill = 0
    for part in (target.fields if isinstance(target, Struct) else target.items).values():
        cleared(part, place)


def cells_in(target: Any) -> Iterator[Cell]:
    """The cells of an object that were used."""
    if isinstance(target, Cell):
        yield target
    else:
        for part in (target.fields if isinstance(target, Struct) else target.items).values():
            yield from cells_in(part)
