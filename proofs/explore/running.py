"""A host of the reference on which the events of a trace are done, one critical section each, and undone."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from proofs.explore import image as images
from proofs.explore.image import Image
from proofs.explore.in_flight import SavedOperation
from proofs.operations import Choice, DomainKill, Event, EventFields, Events2, Outcome
from proofs.replay.runner import ObservedBlock, OperationInFlight, Runner
from proofs.traces.events import least_span
from reference.generations import GENERATIONS
from reference.state import Domain, Host, boot

_NOTHING: AbstractContextManager[None] = nullcontext()


@lru_cache(maxsize=1 << 16)
def _read(line: bytes) -> Event:
    return msgspec.json.decode(line, type=Events2)  # type: ignore[no-any-return]  # one of these


def event_of(written: EventFields) -> Event:
    """The event. Written alike it is the same one, which nobody may change."""
    if type(written) is not Choice:
        return _read(msgspec.json.encode(written))
    if not hasattr(written, "read"):
        written.read = _read(msgspec.json.encode(written))
    return written.read


class State(NamedTuple):
    """A state that can be brought back."""

    image: Image
    begun: dict[str, SavedOperation]
    created: dict[int, Domain]

    def key(self, whole_ledger: bool = False) -> tuple[Hashable, Hashable]:
        """Equal for states from which the same can happen: builders' names, and parts of the ledger, do not matter.

        The first half is about the host, the second about what is in flight.
        """
        host = images.key(self.image, whole_ledger)
        if not self.begun:
            return host, ()
        begun = [(_whoever(of.event), of.where) for of in self.begun.values()]
        return host, tuple(sorted(begun, key=repr) if len(begun) > 1 else begun)


def _whoever(event: Event) -> str:
    """The event, whoever does it."""
    return str(replace(event, builder=UNSET))


def killing(begun: Mapping[str, OperationInFlight]) -> bool:
    """Whether one of them holds the domctl lock as domain_kill does."""
    return any(type(of.event) is DomainKill for of in begun.values())


class RunningHost:
    """A host of the reference while the events of a trace are done on it, one critical section each."""

    def __init__(
        self, semantics: str, node_pages: tuple[int, ...], check_locks: bool = False, span: int | None = None
    ) -> None:
        """:param span: frames from one node's first to the next one's; the fewest that will do, if none"""
        policy = ObservedBlock()
        span = span or least_span(node_pages)
        rules = GENERATIONS[semantics]
        self.host: Host = boot(node_pages, span, rules, block_policy=policy, check_locks=check_locks)
        self.runner = Runner(self.host, policy)
        self.created: dict[int, Domain] = {}
        """Every domain ever created: operations in flight continue with a destroyed one.

        States share it: it is replaced, never changed.
        """

    def do(self, written: EventFields) -> Outcome:
        """One event; gives the outcome, if the operation ends with it."""
        outcome = self.runner.do(event_of(written))
        if written["op"] == "create_domain":
            self.created = self.created | self.host.domains
        return outcome

    @property
    def begun(self) -> Mapping[str, OperationInFlight]:
        """What each builder is in the middle of."""
        return self.runner.in_flight

    @property
    def killing(self) -> bool:
        """Whether a domain_kill is in progress, which holds the domctl lock."""
        return killing(self.begun)

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
            now = images.taken(self.host, self.created, shared)
        begun = {
            builder: of if isinstance(of, SavedOperation) else SavedOperation(of, self.created)
            for builder, of in self.runner.in_flight.items()
        }
        return State(now, begun, self.created)

    def is_in(self, state: State) -> bool:
        """Whether this is the state now."""
        begun = self.begun
        if begun.keys() != state.begun.keys() or any(of.done != state.begun[b].done for b, of in begun.items()):
            return False
        with self._observing():
            return images.shown(state.image)

    def bring_back(self, state: State) -> None:
        """Make a former state of this host the state now. Operations that had begun in it cannot be continued."""
        self.runner.in_flight, self.created = {**state.begun}, state.created
        if self.host.locks_held is None:
            images.put_back(state.image)
        else:
            with self.every_lock():
                images.put_back(state.image)
