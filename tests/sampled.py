"""Parameters of a test of which the default run takes a sample, and the long run all."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


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
