"""What the reference does with a trace that lacks counters: what was not observed is shown from it."""

from __future__ import annotations

from msgspec import UNSET

from proofs.operations import Event, Outcome, State
from proofs.replay.observe import observe
from proofs.replay.runner import ObservedBlock, Runner, boot_shape
from proofs.traces import Trace
from reference.generations import GENERATIONS
from reference.status import HypervisorCrash, MisuseError


class ReferenceRun:
    """The events of a trace on the reference of its generation."""

    def __init__(self, trace: Trace) -> None:
        """:raises proofs.traces.TraceError: the generation is unknown"""
        name = trace.header.semantics
        if name not in GENERATIONS:
            raise trace.error(f"field `semantics`: unknown {name!r}; known: {', '.join(GENERATIONS)}")
        self.trace = trace
        policy = ObservedBlock()
        self.host = boot_shape(trace.header.host, GENERATIONS[name], block_policy=policy)
        self.runner = Runner(self.host, policy)
        self.crash = ""
        self._outcome: Outcome = {}

    def do(self, event: Event) -> None:
        """Run an event; nothing happens after a crash.

        :raises proofs.traces.TraceError: it is impossible
        """
        if self.crash:
            return
        self._outcome = {}
        try:
            self._outcome = self.runner.do(event)
        except HypervisorCrash as crash:
            self.crash = str(crash)
        except MisuseError as error:
            raise self.trace.error(f"{event.op}: {error}") from None

    def complete(self, event: Event) -> State | None:
        """Enter into the event that was run last what it does not observe; gives the state, None after a crash."""
        if self.crash:
            event.crash = self.crash
            return None
        for field, value in self._outcome.items():
            if field in event.observed and getattr(event, field) is UNSET:
                setattr(event, field, value)
        return observe(self.host)
