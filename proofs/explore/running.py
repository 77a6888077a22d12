"""A host of the reference on which the events of a trace are done, one critical section each, and undone."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from proofs.explore import image as images
from proofs.explore.image import Image
from proofs.explore.in_flight import InFlight, where
from proofs.operations import Event, Events2, Outcome
from proofs.replay.replay import ObservedBlock
from reference.generations import GENERATIONS
from reference.state import Domain, Host, boot
from reference.steps import run

Written = dict[str, Any]
"""An event as in the trace format."""
_NOTHING: AbstractContextManager[None] = nullcontext()


@lru_cache(maxsize=1 << 16)
def _read(line: bytes) -> Event:
    return msgspec.json.decode(line, type=Events2)  # type: ignore[no-any-return]  # one of these


def event_of(written: Written) -> Event:
    """The event. Written alike it is the same one, which nobody may change."""
    return _read(msgspec.json.encode(written))


class State(NamedTuple):
    """A state that can be brought back."""

    image: Image
    begun: dict[str, InFlight]
    created: dict[int, Domain]

    def key(self, whole_ledger: bool = False) -> tuple[Hashable, Hashable]:
        """Equal for states from which the same can happen: builders' names, and parts of the ledger, do not matter.

        The first half is about the host, the second about what is in flight.
        """
        host = images.key(self.image, whole_ledger)
        if not self.begun:
            return host, ()
        begun = [(str({**of.event, "builder": ""}), of.where) for of in self.begun.values()]
        return host, tuple(sorted(begun, key=repr) if len(begun) > 1 else begun)


class Running:
    """A host of the reference while the events of a trace are done on it, one critical section each."""

    def __init__(
        self, semantics: str, node_pages: tuple[int, ...], check_locks: bool = False, span: int | None = None
    ) -> None:
        """:param span: frames from one node's first to the next one's; the fewest that will do, if none"""
        self.policy = ObservedBlock()
        span = span or 1 << (max(node_pages) - 1).bit_length()
        rules = GENERATIONS[semantics]
        self.host: Host = boot(node_pages, span, rules, block_policy=self.policy, check_locks=check_locks)
        self.begun: dict[str, InFlight] = {}
        """What each builder is in the middle of. States share it, as the next one: both are replaced, never changed."""
        self.created: dict[int, Domain] = {}
        """Every domain that there was: who is in the middle of something goes on with one that is destroyed."""

    def do(self, written: Written) -> Outcome:
        """One event; gives the outcome, if the operation ends with it."""
        if written["op"] == "continue":
            self.policy.blocks = []
            of = self.begun[written["builder"]]
            self.begun = {builder: other for builder, other in self.begun.items() if other is not of}
            return self._section(written["builder"], of.steps, of.event, of.done)
        event = event_of(written)
        if event.observed:
            self.policy.expect(event)
        outcome = event.on_reference(self.host)
        if written["op"] == "create_domain":
            self.created = self.created | self.host.domains
        if isinstance(outcome, dict):
            return outcome
        return self._section(written["builder"], outcome, written, 0) if "builder" in written else run(outcome)

    def _section(self, builder: str, steps: Any, event: Written, done: int) -> Outcome:
        try:
            next(steps)
        except StopIteration as end:
            ended: Outcome = end.value
            return ended
        self.begun = {**self.begun, builder: InFlight(event, done + 1, steps)}
        return {}

    @property
    def killing(self) -> bool:
        """Whether a domain_kill is in progress, which holds the domctl lock."""
        return any(of.event["op"] == "domain_kill" for of in self.begun.values())

    @contextmanager
    def every_lock(self) -> Iterator[None]:
        """Hold the locks of all domains that there were, and of the host: for an observer."""
        with ExitStack() as locks:
            for domain in self.created.values():
                locks.enter_context(domain.page_alloc_lock)
            locks.enter_context(self.host.heap_lock)
            yield

    def _observing(self) -> AbstractContextManager[None]:
        return _NOTHING if self.host.locks_held is None else self.every_lock()

    def state(self, former: State | None = None) -> State:
        """The state now.

        :param former: another state of this host, to share with
        """
        shared = None if former is None else former.image
        with self._observing():
            now = images.taken(self.host, self.created.values(), shared)
        begun = {
            builder: of if of.steps is None else InFlight(of.event, of.done, None, where(of.steps, self.created))
            for builder, of in self.begun.items()
        }
        return State(now, begun, self.created)

    def is_in(self, state: State) -> bool:
        """Whether this is the state now."""
        if self.begun.keys() != state.begun.keys():
            return False
        if any(of.done != state.begun[b].done for b, of in self.begun.items()):
            return False
        with self._observing():
            return images.shown(state.image)

    def bring_back(self, state: State) -> None:
        """Make a former state of this host the state now. Operations that had begun in it cannot be continued."""
        self.begun, self.created = state.begun, state.created
        if self.host.locks_held is None:
            images.put_back(state.image)
        else:
            with self.every_lock():
                images.put_back(state.image)
