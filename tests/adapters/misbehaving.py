"""An outside program that misbehaves: ``misbehaving.py MODE TRACE`` answers as the trace has it, but for one thing.

The standard library only, and little of it: it is started often.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # started as a program, or imported by one
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.adapters.misbehaviour import (  # noqa: F401, I001  (the document lists the modes in this order)
    at_start,
    ending,
    lines,
    answers,
    at_end,
)
from tests.adapters.misbehaviour.program import MODES, Program

__all__ = ["MODES", "Program"]

if __name__ == "__main__":
    MODES[sys.argv[1]](sys.argv[2]).run()
