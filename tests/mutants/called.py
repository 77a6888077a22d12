"""Which functions of the mutated modules run while something is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from tests.mutants.mutant import SIDES, source_of

CalledFunctions = set[tuple[str, str]]
"""(module, qualified name)."""


@contextmanager
def noted(side: str) -> Iterator[CalledFunctions]:
    """A set that is filled inside the block."""
    files = {str(source_of(module)): module for module in SIDES[side]}
    found: CalledFunctions = set()
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code not in seen:
            seen.add(code)
            if code.co_filename in files:
                found.add((files[code.co_filename], code.co_qualname.partition(".<locals>")[0]))

    before: Callable[..., Any] | None = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
