"""Ctrl-C between two paths: an exception raised inside the solver's own clean-up would be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_noted = threading.Event()


@contextmanager
def interrupts_noted() -> Iterator[None]:
    """From now on Ctrl-C is noted, for :func:`raise_if_interrupted`. Only a main thread is told of it."""
    _noted.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: _noted.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _noted.clear()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was noted."""
    if _noted.is_set():
        raise KeyboardInterrupt
