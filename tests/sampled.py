"""Many cases alike: a sample of them, or the first of every kind, is tried by default; all of them by the long run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
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


def sampled(values: Iterable[Any], every: int = 1, *, keep: Collection[Any] = ()) -> list[Any]:
    """The values as parameters: every n-th, or those to keep, by default; the others in the long run only.

    A tuple has a value for each of the test's arguments.

    :raises ValueError: nothing is left for the default run, or a value to keep is none of them
    """
    values = list(values)
    if unknown := [value for value in keep if value not in values]:
        raise ValueError(f"not among the values: {unknown}")
    chosen = [value in keep if keep else index % every == 0 for index, value in enumerate(values)]
    if not any(chosen):
        raise ValueError("nothing is left for the default run")
    return [
        value if taken else pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.long)
        for value, taken in zip(values, chosen, strict=True)
    ]
