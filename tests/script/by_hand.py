"""Scripts that random traces do not find in a reasonable time, and refusals that no caller shows."""

from __future__ import annotations

from collections.abc import Callable

from model.calls import MAX_PAUSE_COUNT

from .outcomes import NODE_CHECK


def _paused_too_often(semantics: str) -> str:
    pauses = "d1 pause => OK\n" * (MAX_PAUSE_COUNT - 1)
    return f"generation {semantics}\nhost 1\nd1 create max=0\n{pauses}d1 pause => EOVERFLOW\n"


def _claimed_node(semantics: str) -> str:
    claimed = "d1 create max=4\nd1 claim 2@0 => OK\nd2 create max=4\nd2 alloc order=1 => refused\n"
    return f"generation {semantics}\nhost 2 1 1\n{claimed}"


def _with_a_stash(semantics: str) -> str:
    stashed = "d1 create max=512\nd1 populate 1 order=9 preempt=0/256 => preempted\nd1 unpause => EBUSY\n"
    return f"generation {semantics}\nhost 512\n{stashed}expect breaks no-claims-lost\n"


BY_HAND: dict[str, Callable[[str], str]] = {
    "pausedomain: paused-too-often": _paused_too_often,
    NODE_CHECK: _claimed_node,
    "domain_unpause_by_systemcontroller: crashed": _with_a_stash,
}
"""By outcome: the script for a generation."""

BY_HAND_LONG = ("pausedomain: paused-too-often",)
"""Those of hundreds of lines."""

NOT_SHOWN = {
    "stash_allocation: second-kept": "the caller continues: the extent that cannot be stashed is scrubbed to its end",
}
"""By outcome: why no operation ends with it."""
