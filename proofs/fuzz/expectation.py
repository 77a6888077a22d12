"""The outcome that the model expects of every critical section, computed before the reference runs it.

The model's scripts run in step with the reference's operations. The reference decides what the model leaves open: which
nodes have a free block, the frames of a block, and which block of a dying domain is freed next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from model.calls import (
    FREE,
    GLOBAL,
    IN_USE,
    LEGACY,
    MISUSE,
    NO_NODE,
    NONE,
    OFFLINED,
    SCRIPTS,
    Entry,
    PreemptionChoice,
    Script,
    ScriptOutcome,
    ScriptSection,
    exists,
)
from model.named import GENERATIONS
from proofs.operations import OPERATIONS, CreateDomain, Event
from reference.pages import PageState
from reference.state import Host

from . import longest
from .frames import OwnedBlocks, pages_at
from .model_calls import ModelCalls
from .numbers import CaseResult, Pages

_TARGETS: dict[int | str, int] = {"global": GLOBAL, "host": GLOBAL, "legacy": LEGACY, "no_node": NO_NODE}


class Expectation:
    """The model of a host of the reference: its calls, and its scripts in flight."""

    def __init__(self, host: Host, calls: ModelCalls | None = None) -> None:
        """:param calls: calls on this host that do more than their results tell; None: the plain ones"""
        self.calls = ModelCalls(host) if calls is None else calls
        self.host = host
        self.killing = self.calls.killing
        self.ended: ScriptOutcome | None = None
        """How the operation ended that the last critical section was of; None: it has not ended."""
        self._scripts: dict[str, tuple[Event, Script]] = {}
        rules = GENERATIONS[host.semantics.name].rules
        self._callers_refuse = rules.refuses_dying and not rules.checks_dying_in_lock
        self._missing = frozenset(k for name, k in OPERATIONS.items() if not exists(name, host.semantics.name))

    def begin(self, builder: str, event: Event) -> ScriptOutcome | None:
        """Run the event's first critical section; returns how the operation ended, or None if it has not ended.

        ``calls.result`` is ``misuse`` if no caller of the hypervisor makes the call.
        """
        calls = self.calls
        calls.new_section()
        self.ended = None
        if type(event) in self._missing or not event.can_stand(self):
            calls.result = MISUSE
            return None
        begun = event.on_model(self)
        if type(begun) is CaseResult:
            calls.result = begun.result
            return _ended(begun.result) if begun.block is None else ScriptOutcome(begun.result, (begun.block,))  # type: ignore[arg-type]  # used as a block
        self._scripts[builder] = event, begun  # type: ignore[assignment]  # it is a script
        ended = self._go_on(builder)
        if calls.result == MISUSE:
            self._scripts.pop(builder, None)
        return ended

    def go_on(self, builder: str) -> ScriptOutcome | None:
        """Run the next critical section of a builder's operation; returns as `begin`."""
        self.calls.new_section()
        self.ended = None
        return self._go_on(builder)

    def _go_on(self, builder: str) -> ScriptOutcome | None:
        event, script = self._scripts[builder]
        make = self.calls.make
        try:
            item = next(script)
            while type(item) is ScriptSection:
                item = script.send(make(item.call, item.arguments))  # type: ignore[arg-type]  # used as a case
        except StopIteration as end:
            del self._scripts[builder]
            ended: ScriptOutcome = end.value
            self.ended = ended
            self._count_operation(event, ended)
            return ended
        return None

    def _count_operation(self, event: Event, ended: ScriptOutcome) -> None:
        """Count how an operation of several critical sections ended, if no single case states it."""
        for name in event.outcome_of(ended, self):
            self.calls.hits[f"{event.op}: {name}"] += 1
        longest.count_operation(self.calls.hits, event, ended)

    # -- queries of operations

    def known(self, domid: int) -> int | None:
        """The id, or None if no domain has it, which the model takes as a domain that is not found."""
        s = self.calls.state
        slot = s.slots.get(domid)
        return domid if slot is not None and s.is_created[slot] and not s.is_destroyed[slot] else None

    def has(self, domid: int | None) -> bool:
        """Whether a domain on the list has the id; True for None, a call without a domain."""
        return domid is None or self.known(domid) is not None

    def is_dying(self, domid: int) -> bool:
        """Whether the domain is dying."""
        s = self.calls.state
        return bool(s.is_dying[s.slots[domid]])

    def only_callers_refuse(self, domid: int) -> bool:
        """Whether the domain is dying and only the callers, not the function itself, refuse its claims."""
        return self._callers_refuse and self.known(domid) is not None and self.is_dying(domid)

    def is_free_id(self, domid: int) -> bool:
        """Whether a new domain may get the id."""
        return not self._worked_on(domid)

    def has_page(self, mfn: int) -> bool:
        """Whether the host has the frame."""
        node, page = divmod(mfn, self.host.node_span)
        return node < len(self.host.node_pages) and page < self.host.node_pages[node]

    def _worked_on(self, domid: int) -> bool:
        """Whether an operation in flight uses a domain of that id.

        The model does not give an id to a second domain while the first is in use: both would have the same index.
        """
        return any(getattr(event, "domid", None) == domid for event, _ in self._scripts.values())

    def call(self, name: str, **arguments: Any) -> CaseResult:
        """Make a call of one critical section."""
        return self.calls.make(name, arguments)

    def call_for(self, name: str, domid: int, **arguments: Any) -> CaseResult:
        """Make a call for a domain; without a domain of that id the call is refused or impossible."""
        return self.calls.make(name, {"domid": self.known(domid), **arguments})

    def call_on(self, name: str, mfn: int, order: int, **arguments: Any) -> CaseResult:
        """Make a call on allocated frames; on other frames it is impossible."""
        block = pages_at(self.host, mfn, order)
        if block is None:
            return self.impossible("not-allocated")
        return self.calls.make(name, {**arguments, "block": block})

    def script(self, name: str, *arguments: Any, **named: Any) -> Script:
        """Begin an operation of several critical sections."""
        return SCRIPTS[name](*arguments, **named)

    def impossible(self, why: str) -> CaseResult:
        """The result of a call that the hypervisor's callers never make."""
        return CaseResult(why, MISUSE, None)

    def entries(self, claims: Iterable[Any], reserved: str = "pad") -> list[Entry]:
        """The entries of a claim set; ``reserved``: the name of the field that must be 0."""
        return [
            Entry(claim.pages, _TARGETS.get(claim.target, claim.target), getattr(claim, reserved)) for claim in claims
        ]

    def request(self, event: Any) -> dict[str, Any]:
        """The requested node and the flags of an allocation."""
        flags = event.memflags
        return {
            "requested": event.node,
            "exact": "exact_node" in flags,
            "no_refcount": "no_refcount" in flags,
            "no_owner": "no_owner" in flags,
        }

    def preempt_at(self, extent: int, scrub_index: int) -> PreemptionChoice:
        """The preemption check that succeeds."""
        return PreemptionChoice(extent, scrub_index)

    def pages_at(self, mfn: int, order: int) -> Pages | None:
        """The block of these frames; None: they are not all allocated, or not alike."""
        return pages_at(self.host, mfn, order)

    def owned(self, domid: int) -> Callable[[], OwnedBlocks]:
        """A function that returns the blocks of a domain in the reference's order."""
        owned = OwnedBlocks(self.host, self.calls.domains[domid], self.calls.hits)
        return lambda: owned

    def create_domain(self, event: CreateDomain) -> CaseResult:
        """Create a domain, evaluated on numbers, not compiled: domains are few. Resets an earlier domain's history."""
        s, domid = self.calls.state, event.domid
        if domid not in s.slots:
            s.add_domid(domid)
        slot, nothing = s.slots[domid], [0] * s.number_of_nodes
        for kind in ("installed", "redeemed", "released", "recalled"):
            getattr(s, f"ledger_{kind}")[slot] = nothing[:]
            getattr(s, f"global_{kind}")[slot] = 0
        self.calls.affinity[domid] = frozenset(node for node in event.node_affinity if node < s.number_of_nodes)
        last = self.host.first_last_alloc_node
        arguments = {
            "domid": domid,
            "max_pages": event.max_pages,
            "node_affinity": self.calls.affinity[domid],
            "last_alloc_node": NONE if last is None else last,
        }
        return self.calls.make("create_domain", arguments)

    def offline_page(self, mfn: int) -> CaseResult:
        """Take a page offline; the reference supplies its state."""
        pages = self.host.pages
        node = mfn // self.host.node_span
        if mfn in pages.offlined:
            return self.calls.make("offline_page", {"node": node, "page": OFFLINED})
        block = pages.find(mfn)
        if block is None:
            return self.calls.make("offline_page", {"node": node, "page": FREE})
        assigned = block.state is PageState.ASSIGNED
        marked = mfn in pages.offlining
        return self.calls.make("offline_page", {"node": node, "page": IN_USE, "assigned": assigned, "marked": marked})

    def online_page(self, mfn: int) -> CaseResult:
        """Bring a page online; the reference supplies its state."""
        pages = self.host.pages
        page = OFFLINED if mfn in pages.offlined else IN_USE
        return self.calls.make(
            "online_page", {"node": mfn // self.host.node_span, "page": page, "marked": mfn in pages.offlining}
        )


@cache
def _ended(result: str) -> ScriptOutcome:
    """The cached end of an operation that leaves no pages."""
    return ScriptOutcome(result)
