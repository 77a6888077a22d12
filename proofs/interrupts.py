"""Ctrl-C in one place: it ends the solver's question that is under way, and is raised, or noted where raising loses it.

Z3 runs outside of Python: a signal's handler waits until its question is decided, which may be minutes. A thread
therefore hears of the signal at once and has Z3 end the question as undecided. Raised inside the destructor of one of
Z3's objects an exception is lost, so code that puts many questions notes Ctrl-C and raises it between two of them;
elsewhere what is lost so is raised again.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

_AGAIN = (0.0, 0.05, 0.2, 0.5)
"""Seconds after Ctrl-C at which the question under way is ended: one may have begun just then."""

_noted = threading.Event()
_came = threading.Event()
_in_command = threading.Event()
_contexts: weakref.WeakSet[Any] = weakref.WeakSet()
"""Z3's, with questions to end."""
_adding = threading.Lock()
_UNDECIDED = 0
"""As Z3 numbers its answers."""


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """In a command: Ctrl-C ends the solver's question and is raised; afterwards all is as it was."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _in_command.set()
    before, hook = signal.signal(signal.SIGINT, _note_coming_and_raise), sys.unraisablehook
    end_watch = _watch()
    try:
        yield
    finally:
        _in_command.clear()
        end_watch()
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)
        _came.clear()


def begin_worker() -> None:
    """This process waits for work, and Ctrl-C is noted for good: it then begins nothing new."""
    _noted.clear()  # as it was in the process that this one was forked from
    signal.signal(signal.SIGINT, note)
    _watch()


def _watch() -> Callable[[], None]:
    """From now on Ctrl-C ends the solver's questions in this process.

    :returns: what ends that; afterwards no question is ended any more
    """
    heard, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    ended = threading.Event()
    thread = threading.Thread(target=_end_questions, args=(heard, ended), daemon=True)
    thread.start()
    sys.unraisablehook = partial(_raised_in_vain, sys.unraisablehook)

    def end() -> None:
        ended.set()
        signal.set_wakeup_fd(-1)
        os.close(written)
        thread.join()
        _make_ready_again()

    return end


def _make_ready_again() -> None:
    """Put a question: a context that was ended while it had none refuses what comes next, or simplifies nothing."""
    with _adding:
        contexts = list(_contexts)
    for context in contexts:
        import z3  # only where it is in use: many commands begin without it

        z3.SimpleSolver(ctx=context).check()


def _raised_in_vain(hook: Callable[[sys.UnraisableHookArgs], object], lost: sys.UnraisableHookArgs) -> None:
    """Raise a Ctrl-C again that was lost in a destructor. Errors of objects left incomplete by it are not reported."""
    if lost.exc_type is not KeyboardInterrupt:
        half_made = lost.exc_type is AttributeError and getattr(lost.object, "__name__", "") == "__del__"
        if not (half_made and (is_command_interrupted() or is_interrupted())):
            hook(lost)
        return
    _noted.clear()
    again = threading.Timer(0.01, _raise_in_command)
    again.daemon = True
    again.start()


def _raise_in_command() -> None:
    """Raise Ctrl-C in the main thread, unless the command has ended in the meantime."""
    if _in_command.is_set():
        _thread.interrupt_main()


def interruptible(solver: Any) -> Any:
    """The solver; its questions are ended by Ctrl-C, and put with :func:`check` they are not taken for undecided."""
    solver.set("ctrl_c", False)  # Z3 would keep the signal for itself
    with _adding:
        _contexts.add(solver.ctx)
    return solver


def check(solver: Any, *assumptions: Any) -> Any:
    """The solver's answer.

    :raises KeyboardInterrupt: Ctrl-C was noted before, or is the reason why it is undecided
    """
    raise_if_interrupted()
    answer = solver.check(*assumptions)
    if answer.r == _UNDECIDED:
        raise_if_interrupted()
    return answer


def _end_questions(heard: int, ended: threading.Event) -> None:
    while numbers := os.read(heard, 64):
        for pause in _AGAIN if signal.SIGINT in numbers else ():
            if ended.wait(pause):
                break
            with _adding:
                contexts = list(_contexts)
            for context in contexts:
                context.interrupt()
    os.close(heard)


def note(_number: int = 0, _frame: FrameType | None = None) -> None:
    """As a handler of the signal: Ctrl-C is noted and nothing else happens."""
    _noted.set()
    if _in_command.is_set():
        _came.set()


def _note_coming_and_raise(_number: int, _frame: FrameType | None) -> None:
    _came.set()
    raise KeyboardInterrupt


def is_command_interrupted() -> bool:
    """Whether Ctrl-C came in this command: ctypes makes another exception of one that is raised inside it, and one that
    is noted while a pool of processes ends is never raised."""
    return _came.is_set()


def note_and_raise(_number: int, _frame: FrameType | None) -> None:
    """As a handler of the signal: the first Ctrl-C is raised, a second one does not disturb what ends."""
    if not _noted.is_set():
        _noted.set()
        raise KeyboardInterrupt


def is_interrupted() -> bool:
    """Whether Ctrl-C was noted."""
    return _noted.is_set()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was noted."""
    if _noted.is_set():
        raise KeyboardInterrupt


@contextmanager
def interrupts_noted() -> Iterator[None]:
    """Ctrl-C is noted here, for :func:`raise_if_interrupted`. Only a main thread hears of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, note)
    if before is not note and before is not note_and_raise:  # a worker that was interrupted begins nothing new
        _noted.clear()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if before is not note and before is not note_and_raise:
            _noted.clear()
