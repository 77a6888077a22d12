"""The kinds of calls that the C oracle has: which arguments are there, and a claim set as a loop over its entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import z3

from model.calls import CALLS, Call, Case, Entry, exists
from model.calls.registry import CallModel
from model.calls.sections import CallSection
from model.logic import Term
from model.named import GENERATIONS
from model.operations import installing
from model.operations.allocating import MAX_ORDER
from model.operations.section import Parts
from model.operations.sets import GLOBAL, LEGACY, ListedEntry, OnNode, short_by_node
from proofs.fuzz.compiler import arguments_of, call_on_terms, source_of
from proofs.fuzz.terms import BOOL, INTS, NODES, OFFLINE, TermVector, written

MANY = "many"
"""The number of entries of a set that is checked by a loop."""

_DOMID: tuple[Any, ...] = ("domid",)
_ANY_DOMID: tuple[Any, ...] = ("domid", ("domid", None))
_NODE: tuple[Any, ...] = ("node", ("node", OFFLINE))
_REQUESTED: tuple[Any, ...] = ("requested", ("requested", None), ("requested", OFFLINE))
_BLOCKS: tuple[Any, ...] = (
    ("block", "limbo", False, True),
    ("block", "limbo", False, False),
    ("block", "limbo", True, False),
    ("block", "assigned", False, True),
    ("block", "assigned", False, False),
    ("block", "anonymous", True, False),
)
_ENTRIES: tuple[Any, ...] = (("entries", 0), ("entries", 1), ("entries", MANY))


def _flag(name: str) -> tuple[Any, ...]:
    return ((name, False), (name, True))


_PAGE: tuple[Any, ...] = (("page", "free"), ("page", "in-use"), ("page", "offlined"))


class _SomeNode:
    """A node of the affinity of a new domain, which is online; the caller sets the affinity itself."""

    def __lt__(self, nodes: object) -> bool:
        return True


KINDS: dict[str, Sequence[Sequence[Any]]] = {
    "create_domain": (_DOMID, ("max_pages",), (("node_affinity", frozenset({_SomeNode()})),), ("last_alloc_node",)),
    "set_max_pages": (_DOMID, ("max_pages",)),
    "max_mem": (_ANY_DOMID, ("max_pages",)),
    "pausedomain": (_ANY_DOMID,),
    "domain_unpause_by_systemcontroller": (_ANY_DOMID,),
    "mark_dying": (_DOMID,),
    "release_all_claims": (_DOMID,),
    "domain_destroy": (_DOMID,),
    "finish_kill": (_DOMID,),
    "put_domain": (_DOMID, _flag("freed")),
    "getdomaininfo": (_ANY_DOMID,),
    "get_outstanding_claims": (),
    "claim_pages_check": (_ANY_DOMID, ("pages",), ("extent_order",), ("mem_flags",), _flag("has_extent_start")),
    "set_outstanding_pages": (_DOMID, ("pages",), (("node", None), *_NODE)),
    "install_claim_set": (_DOMID, (("entries", MANY),)),
    "claim_memory": (_ANY_DOMID, _ENTRIES, ("pad",)),
    "get_memory_claims": (_ANY_DOMID, ("capacity",), ("pad",)),
    "alloc_heap_pages": (
        _ANY_DOMID, ("order",), ("pages",), _REQUESTED, _flag("exact"), _flag("no_refcount"), _flag("no_owner")
    ),
    "assign_pages": (_DOMID, _BLOCKS, _flag("no_refcount")),
    "release_ownership": (_BLOCKS,),
    "free_heap_pages": (_BLOCKS,),
    "offline_page": (("node",), _PAGE, _flag("assigned"), _flag("marked")),
    "online_page": (("node",), _PAGE, _flag("marked")),
    "steal_page": (_ANY_DOMID, (("block", None), *_BLOCKS)),
    "assign_in_exchange": (_DOMID, _BLOCKS),
    "drop_tot_pages": (_DOMID, ("pages",)),
    "get_stashed_allocation": (_DOMID, ("pages",), _REQUESTED, _flag("exact")),
    "creation_check": (_DOMID,),
    "preemption_check": (_DOMID, ("pages",), ("scrub_index",), ("preempt_at",)),
    "stash_allocation": (_DOMID, _BLOCKS[:1], ("scrub_index",)),
    "stash_check": (_DOMID,),
    "take_stash": (_DOMID,),
    "free_stash": (_DOMID, _BLOCKS[:1]),
    "offline_marked": (_BLOCKS[:1],),
    "exchange_check": (_flag("known"), _flag("in_too_large"), _flag("out_too_large"), _flag("whole_chunks")),
}  # fmt: skip
"""By call, for each argument its alternatives, in the form of a kind of the fuzz compiler."""


def exchange_arguments(known: bool, in_too_large: bool, out_too_large: bool, whole_chunks: bool) -> dict[str, int]:
    """Arguments of `exchange_check`, which is arithmetic on Python's numbers: some for which these four hold."""
    return {
        "known": known,
        "extents": 2 if whole_chunks else 1,
        "in_order": MAX_ORDER + 1 if in_too_large else 0,
        "out_order": MAX_ORDER + 1 if out_too_large else 1,
    }


class OracleKind:
    """A kind of a call: its cases, and its Python text."""

    def __init__(self, semantics: str, name: str, parts: Sequence[Any]) -> None:
        self.name, self.parts = name, parts
        call = call_on_terms(GENERATIONS[semantics])
        looped = ("entries", MANY) in parts
        arguments, parameters = arguments_of(name, [part for part in parts if part != ("entries", MANY)])
        if name == "exchange_check":
            arguments = exchange_arguments(**arguments)
        self.cases = _looped_cases(call, name, arguments) if looped else CALLS[name].cases(call, **arguments)
        self.source, _ = source_of(self.cases, parameters, looped)
        self.looped = looped


def kinds_of(semantics: str) -> Iterator[OracleKind]:
    """Every kind of call of a generation."""
    for name, alternatives in KINDS.items():
        if exists(name, semantics):
            for parts in product(*alternatives):
                yield OracleKind(semantics, name, parts)


def _looped_cases(call: Call, name: str, arguments: dict[str, Any]) -> list[Case]:
    """The cases of a call with a set of any number of entries."""
    describe = {"install_claim_set": _install_claim_set, "claim_memory": _claim_memory}[name]
    return CallModel(name, describe).cases(call, **arguments)


def _install_claim_set(x: CallSection, domid: Term) -> None:
    installing.install_claim_set(x, domid, LoopedSet(x))


def _claim_memory(x: CallSection, domid: Term, pad: Term = 0) -> None:
    """For two or more entries: the domctls of one entry refuse them all alike."""
    from model.interfaces import MemoryDomctl

    if x.rules.interface.memory in (MemoryDomctl.ONE_OR_NONE, MemoryDomctl.ONE):
        installing.claim_one_checks(x, domid, 2, [pad, z3.Int("set.entry.pad")])
        return
    entries = LoopedSet(x)
    installing.claim_memory_checks(x, domid, entries, pad)
    if not x.decided:
        installing.install_claim_set(x, domid, entries)


class LoopedSet:
    """A claim set of any number of entries: sums that C computes before, and one entry of a loop."""

    def __init__(self, x: CallSection) -> None:
        from model.interfaces import SetInstaller

        self.x = x
        self.is_legacy: Term = (
            z3.Bool("set.is_legacy") if x.rules.interface.sets is SetInstaller.REPLACING_OR_LEGACY else False
        )
        self.empty, self.too_many = z3.Bool("set.is_empty"), z3.Bool("set.too_many")
        self.host_wide, self.total = z3.Int("set.host_pages"), z3.Int("set.node_pages")
        self.by_node = TermVector(NODES, z3.Const("set.by_node", INTS))

    def each(self) -> Iterator[ListedEntry]:
        """The entry of the loop."""
        entry = Entry(*(z3.Int(f"set.entry.{part}") for part in ("pages", "target", "pad")))
        yield ListedEntry(self.x, entry, EntriesBefore(), 0)

    def short(self, fails: OnNode) -> Parts:
        """Checked by node, for all entries together."""
        return {"nodes-have-room": short_by_node(self.by_node, fails)}


class EntriesBefore:
    """The entries before the one of the loop."""

    name_host: Term = z3.Bool("set.names_host")
    on_nodes: Term = z3.Int("set.on_nodes")
    pages: Term = z3.Int("set.pages")

    def name(self, target: Term) -> Term:
        """One of them has this target."""
        return written("earlier_names({})", BOOL, target)


TARGETS = {"CO_GLOBAL": GLOBAL, "CO_LEGACY": LEGACY}
