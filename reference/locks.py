"""The hypervisor's two kinds of locks, and a check that they are used as declared (property ``lock-order``).

``page_alloc_lock`` (one per domain) is taken before ``heap_lock`` (one per host), never after it (DS-24). A class
declares which field needs which lock with :func:`guarded`; the checked variant of the class raises at the line that
touches such a field without its lock. The unchecked variant has plain fields and plain locks, at no cost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

PAGE_ALLOC_LOCK = "page_alloc_lock"
HEAP_LOCK = "heap_lock"
_RANK = {PAGE_ALLOC_LOCK: 1, HEAP_LOCK: 2}


class LockError(Exception):
    """A lock was taken out of order or twice, or a field was touched without its lock."""


LockLike = AbstractContextManager[object]
"""The interface of a lock that critical sections use."""


class CheckedLock:
    """A lock that checks its place in the order. ``held`` is shared by all locks of one host, oldest first."""

    __slots__ = ("held", "kind", "name", "passed_over")

    def __init__(self, kind: str, name: str, held: list[CheckedLock]) -> None:
        self.kind = kind
        self.name = name
        self.held = held
        self.passed_over: list[str] = []  # intended reads without this lock

    def __enter__(self) -> CheckedLock:
        for other in self.held:
            if other is self:
                raise LockError(f"{self.name} is already held")
            if _RANK[other.kind] > _RANK[self.kind]:
                raise LockError(f"{self.name} taken while holding {other.name}: wrong lock order")
        self.held.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, where: TracebackType | None
    ) -> None:
        self.held.remove(self)

    def require(self, what: str) -> None:
        """Raise :class:`LockError` unless this lock is held."""
        if self not in self.held:
            raise LockError(f"{what} touched without {self.name}")


def make_lock(kind: str, name: str, held: list[CheckedLock] | None) -> LockLike:
    """A lock of that kind: a checked one if ``held`` is given; None: a plain one."""
    return threading.RLock() if held is None else CheckedLock(kind, name, held)


T = TypeVar("T")


class _GuardedList(list[T]):
    """A list whose elements may be accessed only under a lock."""

    __slots__ = ("_lock", "_what")

    def __init__(self, values: list[T], lock: CheckedLock, what: str) -> None:
        super().__init__(values)
        self._lock = lock
        self._what = what

    def __getitem__(self, index: Any) -> Any:
        self._lock.require(self._what)
        return super().__getitem__(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._lock.require(self._what)
        super().__setitem__(index, value)

    def __iter__(self) -> Iterator[T]:
        self._lock.require(self._what)
        return super().__iter__()

    def __eq__(self, other: object) -> bool:
        self._lock.require(self._what)
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def _guard(cls: type, field: str, lock_attribute: str) -> property:
    slot = getattr(cls, field)
    what = f"{cls.__name__}.{field}"

    def get(self: Any) -> Any:
        getattr(self, lock_attribute).require(what)
        return slot.__get__(self)

    def set_(self: Any, value: Any) -> None:
        lock = getattr(self, lock_attribute)
        try:
            slot.__get__(self)
        except AttributeError:  # first assignment: no other code can access the object yet
            pass
        else:
            lock.require(what)
        slot.__set__(self, _GuardedList(value, lock, what) if type(value) is list else value)

    return property(get, set_)


C = TypeVar("C", bound=type)
CHECKED = "Checked"


def guarded(**fields_of: tuple[str, ...]) -> Callable[[C], C]:
    """Class decorator: ``heap_lock=("claims", ...)`` names the fields that need the lock in attribute ``heap_lock``.

    Adds ``CrossCheckReport``, the variant of the (slotted) class that enforces it.
    """

    def decorate(cls: C) -> C:
        properties: dict[str, Any] = {"__slots__": ()}
        for lock_attribute, names in fields_of.items():
            for name in names:
                properties[name] = _guard(cls, name, lock_attribute)
        setattr(cls, CHECKED, type(f"Checked{cls.__name__}", (cls,), properties))
        return cls

    return decorate
