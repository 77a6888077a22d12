"""Many cases alike: the first of every kind is tried by default, all of them by the long run."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
PLAIN = ("claim-sets", "per-node-v8", "single-node-v4", "legacy-2013")
"""Generations that differ in kind, for what is tried of some by default and of all by the long run."""


def first_of_each(
    cases: Iterable[T],
    name: Callable[[T], str],
    *kinds: Callable[[T], Hashable],
    given: Callable[[T], Any] = lambda c: c,
) -> list[Any]:
    """Parameters of a test; a case that is of no new kind, in any of these ways to tell kinds apart, is a long one."""
    seen: set[tuple[int, Hashable]] = set()
    found = []
    for case in cases:
        of = {(number, kind(case)) for number, kind in enumerate(kinds)}
        marks = [pytest.mark.long] if of <= seen else []
        seen |= of
        found.append(pytest.param(given(case), id=name(case), marks=marks))
    return found
