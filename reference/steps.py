"""Operations made of several critical sections: generators that yield where other builders may run.

No lock is held at a ``yield``. :func:`run` executes an operation without interruption.
"""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]


def run(steps: Steps[T]) -> T:
    """Run all critical sections in a row; returns what the operation returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
