"""A plan: an operation on a host of given size with unknown arguments, for the reference and for the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from model.calls import ASSIGNED, CRASH, MISUSE, OK, Block, Case, Script, ScriptSection
from reference.pages import PageState
from reference.status import HypervisorCrash, MisuseError
from reference.steps import Steps, run

from .domains import interface_of
from .numbers import Count, FlagsInModel, MemFlags, Order, unknown
from .terms import Terms
from .world import ALL_THERE, MissingDomains, Size, World

U32, U64 = 2**32 - 1, 2**64 - 1
UNKNOWN = 99
"""An id that no domain has."""


@dataclass(frozen=True)
class Outcome:
    """The reference's outcome."""

    result: str
    answer: Mapping[str, Any] = field(default_factory=dict)


class Table:
    """The model's page table: the blocks that a script uses."""

    def __init__(self, blocks: Mapping[int, Block]) -> None:
        self.blocks = dict(blocks)
        self._next = -1

    def made(self, section: ScriptSection, case: Case) -> None:
        """Record the block of a section that was run."""
        before = section.arguments.get("block")
        frame = next((f for f, block in self.blocks.items() if block is before), None)
        if frame is not None:
            if case.block is not None:
                self.blocks[frame] = case.block
            elif section.call in ("free_heap_pages", "free_stash"):
                del self.blocks[frame]
        elif case.block is not None and before is None:
            self.blocks[self._next] = case.block
            self._next -= 1

    def owned(self, domid: int) -> dict[int, Block]:
        """The blocks that a domain owns."""
        return {f: b for f, b in self.blocks.items() if b.owner == domid and b.state == ASSIGNED}


def no_blocks(_world: World) -> Mapping[int, Block]:
    """No blocks exist when the operation begins."""
    return {}


def no_arguments(_world: World) -> Mapping[str, Any]:
    """No arguments: the operation is compared with a script, whose sections have their own."""
    return {}


class PlannedScript(NamedTuple):
    """A script of the model, and the blocks that exist when it begins."""

    script: Callable[[Table], Script]
    blocks: Callable[[World], Mapping[int, Block]] = no_blocks


@dataclass(frozen=True)
class Plan:
    """One use of an operation. Numbers that it does not fix are unknown."""

    operation: str
    label: str
    act: Callable[[World], Outcome]
    """Runs the operation on the reference."""
    arguments: Callable[[World], Mapping[str, Any]]
    """The arguments of the model's call of the same name."""
    known: list[Any] = field(default_factory=list)
    """Ranges of the arguments, as formulas."""
    plausible: list[Any] = field(default_factory=list)
    """Facts that only displayed inputs must satisfy: the pages of blocks are among those of their class."""
    there: MissingDomains = ALL_THERE
    """Which domains are on the domain list."""
    uncounted: bool = False
    """Do not assume that outstanding_claims is the sum of all claims, so that an assertion about it may fail."""
    domid: int | None = None
    """The domain of the plan, if there is the same plan for every domain; None: there is not."""
    script: PlannedScript | None = None
    """For an operation of several sections, the model's script, instead of arguments."""


class PlanDomain(NamedTuple):
    """The domain that a plan is about."""

    domid: int | None
    """None: no domain has the id."""
    there: MissingDomains = ALL_THERE

    @property
    def destroyed(self) -> bool:
        """Whether the domain was destroyed while an operation that had looked it up was in flight."""
        return self.domid is not None and self.domid == self.there.destroyed

    @property
    def domain_id(self) -> int:
        """The id of the domain.

        :raises ValueError: no domain has the id
        """
        if self.domid is None:
            raise ValueError("the plan is about an unknown domain, which has no id")
        return self.domid

    @property
    def asked(self) -> int:
        """The id that is looked up."""
        return UNKNOWN if self.domid is None else self.domid

    def __str__(self) -> str:
        if self.domid is None:
            return "unknown domain"
        return f"d{self.domid}{' (destroyed)' if self.destroyed else ''}"


class Setting:
    """The generation and the host that plans are made for."""

    def __init__(self, semantics: str, size: Size, terms: Terms) -> None:
        self.semantics, self.size, self.terms = semantics, size, terms
        self.domids, self.nodes = range(size.domains), range(size.nodes)

    @property
    def worked_on(self) -> list[PlanDomain]:
        """Every domain, and one that was destroyed after it was looked up."""
        last = self.size.domains - 1
        return [*(PlanDomain(d) for d in self.domids), PlanDomain(last, MissingDomains(destroyed=last))]

    @property
    def looked_up(self) -> list[PlanDomain]:
        """Every domain, an unused id, and that of a destroyed domain."""
        return [*(PlanDomain(d) for d in self.domids), PlanDomain(None), PlanDomain(0, MissingDomains(destroyed=0))]

    @property
    def offline(self) -> int:
        """A node id that no node has."""
        return self.size.nodes

    def number(self, name: str, most: int, least: int = 0) -> tuple[Count, list[Any]]:
        """An argument, and its range."""
        term = self.terms.number(name)
        return unknown(name), [term >= least, term <= most]

    def mem_flags(self) -> tuple[Count, list[Any]]:
        """The flags of a hypercall, with the ranges of the parts that the generation reads."""
        if not interface_of(self.semantics).node_in_mem_flags:
            return self.number("mem_flags", U32)
        known = []
        for part, most in MemFlags.PARTS.items():
            known += self.number(f"mem_flags.{part}", most)[1]
        return MemFlags(), known

    def order(self) -> tuple[Order, list[Any]]:
        """An order, and the facts about it."""
        order = Order(unknown("pages"), unknown("order"))
        number, pages = self.terms.count(order.number), self.terms.count(order.pages)
        return order, [number >= 0, number <= 63, pages >= 1]

    @property
    def pages(self) -> Any:
        """2^order, as a term."""
        return self.terms.number("pages")

    def term(self, value: Any) -> Any:
        """An argument in the form of the model."""
        if isinstance(value, MemFlags):
            return FlagsInModel(self.terms.numbers)
        return self.terms.count(value)


def answered(ask: Callable[[], Any]) -> Outcome:
    """The outcome of a call: a status, an outcome, nothing, or a crash."""
    try:
        status = ask()
        if isinstance(status, Outcome):
            return status
    except MisuseError:
        return Outcome(MISUSE)
    except HypervisorCrash:
        return Outcome(CRASH)
    return Outcome(OK if status is None else str(status))


def first_section(steps: Steps[Any]) -> Outcome:
    """Run an operation up to the point where others may run; `OK` if it has not ended there."""

    def ask() -> Any:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        return None

    return answered(ask)


def in_a_row(steps: Steps[Any]) -> Outcome:
    """Run all sections."""
    return answered(lambda: run(steps))


# -- blocks


@dataclass(frozen=True)
class BlockKind:
    """Allocated pages that an operation names: their node, owner and state."""

    node: int
    state: PageState
    owner: int | None
    refcounted: bool
    marked: int = 0

    def __str__(self) -> str:
        whose = "" if self.owner is None else f" of d{self.owner}"
        counted = "" if self.refcounted or self.owner is None else " uncounted"
        marked = f", {self.marked} marked" if self.marked else ""
        return f"{self.state.value}{counted}{whose} on node {self.node}{marked}"

    def enter(self, world: World, order: Any) -> int:
        """Add the block to the page table; returns its frame."""
        return world.block(self.node, order, self.state, self.owner, self.refcounted, self.marked)

    def in_model(self, pages: Any) -> Block:
        """The block for the model."""
        return Block(pages, self.node, self.state.value, self.owner, self.refcounted, self.marked)

    @property
    def page_class(self) -> str:
        """The page class of the block."""
        if self.owner is None or (not self.refcounted and self.state is PageState.LIMBO):
            return f"other_pages[{self.node}]"
        return f"{self.state.value if self.refcounted else 'extra'}_pages[{self.owner}][{self.node}]"

    def plausible(self, terms: Terms, pages: Any) -> list[Any]:
        """The formulas that the block's pages are among those of its class."""
        found = [terms.number(self.page_class) >= pages]
        return [*found, terms.number(f"marked_pages[{self.node}]") >= self.marked]


def block_kinds(x: Setting, domids: list[int], marked: tuple[int, ...] = (0,)) -> Iterator[BlockKind]:
    """Every state and owner that pages may have."""
    for node in x.nodes:
        for count in marked:
            for domid in domids:
                for state in (PageState.ASSIGNED, PageState.LIMBO):
                    for refcounted in (True, False):
                        yield BlockKind(node, state, domid, refcounted, count)
            yield BlockKind(node, PageState.LIMBO, None, False, count)
            yield BlockKind(node, PageState.ANONYMOUS, None, False, count)


# -- plans of a single call


def plan_of(
    operation: str,
    label: str,
    ask: Callable[[World], Any],
    known: list[Any] | None = None,
    there: MissingDomains = ALL_THERE,
    **arguments: Any,
) -> Plan:
    one = arguments.get("domid") if operation in _FOR_EACH else None

    def act(w: World) -> Outcome:
        return answered(lambda: ask(w))

    return Plan(operation, label, act, lambda _w: arguments, known or [], there=there, domid=one)


_FOR_EACH = ("install_claim_set", "claim_memory", "set_outstanding_pages")
"""Operations with so many paths that they are explored for one domain only, if symmetry allows."""
