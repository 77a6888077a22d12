"""What the model says of every critical section, before the reference does it.

The model's scripts run beside the reference's operations. What the model leaves open is asked of the reference: which
nodes have a free block, which frames a block is, and which block of a dying domain is freed next.
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
    Ended,
    Entry,
    PreemptAt,
    Script,
    ScriptSection,
    exists,
)
from model.named import GENERATIONS
from proofs.operations import OPERATIONS, CreateDomain, Event
from reference.pages import PageState
from reference.state import Host

from .compiled import CaseResult, Pages
from .frames import Owned, pages_at
from .model_calls import ModelCalls

_TARGETS: dict[int | str, int] = {"global": GLOBAL, "host": GLOBAL, "legacy": LEGACY, "no_node": NO_NODE}


class Expectation:
    """The model beside a host of the reference: its calls, and its scripts in flight."""

    def __init__(self, host: Host, domains: int) -> None:
        """``domains``: ids are below that."""
        self.calls = ModelCalls(host, domains)
        self.host = host
        self.killing = self.calls.killing
        self._scripts: dict[str, tuple[Event, Script]] = {}
        rules = GENERATIONS[host.semantics.name].rules
        self._callers_refuse = rules.refuses_dying and not rules.checks_dying_in_lock
        self._missing = frozenset(k for name, k in OPERATIONS.items() if not exists(name, host.semantics.name))

    def begin(self, builder: str, event: Event) -> Ended | None:
        """The event's first critical section: how the operation ended, or none if it goes on.

        ``calls.result`` is ``misuse`` where the hypervisor cannot be asked for that at all.
        """
        calls = self.calls
        calls.new_section()
        if type(event) in self._missing or not event.can_stand(self):
            calls.result = MISUSE
            return None
        begun = event.on_model(self)
        if type(begun) is CaseResult:
            calls.result = begun.result
            return _ended(begun.result) if begun.block is None else Ended(begun.result, (begun.block,))  # type: ignore[arg-type]  # as good as a block
        self._scripts[builder] = event, begun  # type: ignore[assignment]  # what was not made is a script
        ended = self._go_on(builder)
        if calls.result == MISUSE:
            self._scripts.pop(builder, None)
        return ended

    def go_on(self, builder: str) -> Ended | None:
        """The next critical section of what a builder does."""
        self.calls.new_section()
        return self._go_on(builder)

    def _go_on(self, builder: str) -> Ended | None:
        event, script = self._scripts[builder]
        make = self.calls.make
        try:
            item = next(script)
            while type(item) is ScriptSection:
                item = script.send(make(item.call, item.arguments))  # type: ignore[arg-type]  # as good as a case
        except StopIteration as end:
            del self._scripts[builder]
            ended: Ended = end.value
            self._count_operation(event, ended)
            return ended
        return None

    def _count_operation(self, event: Event, ended: Ended) -> None:
        """How an operation of several critical sections ended, where no single case says it."""
        for name in event.outcome_of(ended, self):
            self.calls.hits[f"{event.op}: {name}"] += 1

    # -- what operations ask

    def known(self, domid: int) -> int | None:
        """None for an id that no domain has: the model is queried about a domain that is not found."""
        s = self.calls.state
        listed = domid < s.number_of_domains and s.is_created[domid] and not s.is_destroyed[domid]
        return domid if listed else None

    def has(self, domid: int | None) -> bool:
        """Whether a domain on the list has the id; a call for no domain has all it needs."""
        return domid is None or self.known(domid) is not None

    def is_dying(self, domid: int) -> bool:
        """Whether the domain is dying."""
        return bool(self.calls.state.is_dying[domid])

    def only_callers_refuse(self, domid: int) -> bool:
        """Whether only the callers refuse claims of the domain, which is dying: the function itself does not."""
        return self._callers_refuse and self.known(domid) is not None and self.calls.state.is_dying[domid]

    def is_free_id(self, domid: int) -> bool:
        """Whether a new domain may get the id."""
        return domid < self.calls.state.number_of_domains and not self._worked_on(domid)

    def has_page(self, mfn: int) -> bool:
        """Whether the host has the frame."""
        node, page = divmod(mfn, self.host.node_span)
        return node < len(self.host.node_pages) and page < self.host.node_pages[node]

    def _worked_on(self, domid: int) -> bool:
        """Whether an operation in flight goes on with a domain of that id.

        The model never gives an id to a second domain while the first is referred to: both would be one index.
        """
        return any(getattr(event, "domid", None) == domid for event, _ in self._scripts.values())

    def call(self, name: str, **arguments: Any) -> CaseResult:
        """Make a call of one critical section."""
        return self.calls.make(name, arguments)

    def call_for(self, name: str, domid: int, **arguments: Any) -> CaseResult:
        """A call that a domain which does not exist makes impossible, or refuses."""
        return self.calls.make(name, {"domid": self.known(domid), **arguments})

    def call_on(self, name: str, mfn: int, order: int, **arguments: Any) -> CaseResult:
        """A call on frames that are allocated; there is no other."""
        block = pages_at(self.host, mfn, order)
        if block is None:
            return self.impossible("not-allocated")
        return self.calls.make(name, {**arguments, "block": block})

    def script(self, name: str, *arguments: Any, **named: Any) -> Script:
        """Begin an operation of several critical sections."""
        return SCRIPTS[name](*arguments, **named)

    def impossible(self, why: str) -> CaseResult:
        """The hypervisor is never called like that."""
        return CaseResult(why, MISUSE, None)

    def entries(self, claims: Iterable[Any], reserved: str = "pad") -> list[Entry]:
        """The entries of a claim set; ``reserved``: what the field is called that has to be 0."""
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

    def preempt_at(self, extent: int, scrub_index: int) -> PreemptAt:
        """A preemption check that says yes."""
        return PreemptAt(extent, scrub_index)

    def pages_at(self, mfn: int, order: int) -> Pages | None:
        """What these frames are; None if they are not all allocated, or not alike."""
        return pages_at(self.host, mfn, order)

    def owned(self, domid: int) -> Callable[[], Owned]:
        """Gives the blocks of a domain, as the reference goes through them."""
        owned = Owned(self.host, self.calls.domains[domid])
        return lambda: owned

    def create_domain(self, event: CreateDomain) -> CaseResult:
        """Evaluated on numbers directly: domains are few. The histories of an earlier domain of that id are over."""
        s, domid = self.calls.state, event.domid
        nothing = [0] * s.number_of_nodes
        for kind in ("installed", "redeemed", "released", "recalled"):
            getattr(s, f"ledger_{kind}")[domid] = nothing[:]
            getattr(s, f"global_{kind}")[domid] = 0
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
        """What the page is, is queried from the reference."""
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
        """Likewise."""
        pages = self.host.pages
        page = OFFLINED if mfn in pages.offlined else IN_USE
        return self.calls.make(
            "online_page", {"node": mfn // self.host.node_span, "page": page, "marked": mfn in pages.offlining}
        )


@cache
def _ended(result: str) -> Ended:
    """How an operation ended that leaves no pages: there are few."""
    return Ended(result)
