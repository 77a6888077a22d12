"""An operation on a host of given size, with any arguments: what the reference is asked, and the model in its place."""

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
from .world import ALL_THERE, Size, There, World

U32, U64 = 2**32 - 1, 2**64 - 1
UNKNOWN = 99
"""An id that no domain has."""


@dataclass(frozen=True)
class Outcome:
    """What the reference answered."""

    result: str
    answer: Mapping[str, Any] = field(default_factory=dict)


class Table:
    """The model's page table: what the blocks are that a script goes on with."""

    def __init__(self, blocks: Mapping[int, Block]) -> None:
        self.blocks = dict(blocks)
        self._next = -1

    def made(self, section: ScriptSection, case: Case) -> None:
        """A section was made: what became of its block."""
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
    """None is there when an operation begins."""
    return {}


def no_arguments(_world: World) -> Mapping[str, Any]:
    """It is compared with a script, whose sections have theirs."""
    return {}


class Scripted(NamedTuple):
    """A script of the model and the blocks that are there when it begins."""

    script: Callable[[Table], Script]
    blocks: Callable[[World], Mapping[int, Block]] = no_blocks


@dataclass(frozen=True)
class Plan:
    """One way to ask for an operation. What is not said here is open: any number."""

    operation: str
    label: str
    act: Callable[[World], Outcome]
    """On the reference."""
    arguments: Callable[[World], Mapping[str, Any]]
    """Of the model's call of the same name."""
    known: list[Any] = field(default_factory=list)
    """Ranges of the arguments, as formulas."""
    plausible: list[Any] = field(default_factory=list)
    """Nothing depends on it, but a shown input has it: blocks are among the pages of their class."""
    there: There = ALL_THERE
    """Which domains are on the domain list."""
    uncounted: bool = False
    """It is not assumed that outstanding_claims is the sum of all claims: an assertion says so, and may fail."""
    domid: int | None = None
    """The domain it is made for, where it is made for each of them in the same way."""
    script: Scripted | None = None
    """Of an operation of several sections: the model's script, in the place of arguments."""


class Who(NamedTuple):
    """The domain that a plan is about."""

    domid: int | None
    """None: no domain has the id."""
    there: There = ALL_THERE

    @property
    def destroyed(self) -> bool:
        """Whether it was destroyed while an operation that had looked it up was under way."""
        return self.domid is not None and self.domid == self.there.destroyed

    @property
    def domain_id(self) -> int:
        """The id, where there is such a domain."""
        if self.domid is None:
            raise ValueError("no domain has the id")
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
    """What plans are made for."""

    def __init__(self, semantics: str, size: Size, terms: Terms) -> None:
        self.semantics, self.size, self.terms = semantics, size, terms
        self.domids, self.nodes = range(size.domains), range(size.nodes)

    @property
    def worked_on(self) -> list[Who]:
        """Every domain, and one that was destroyed since it was looked up."""
        last = self.size.domains - 1
        return [*(Who(d) for d in self.domids), Who(last, There(destroyed=last))]

    @property
    def looked_up(self) -> list[Who]:
        """Every domain, an id that none has, and that of a destroyed domain."""
        return [*(Who(d) for d in self.domids), Who(None), Who(0, There(destroyed=0))]

    @property
    def offline(self) -> int:
        """A node id that no node has."""
        return self.size.nodes

    def number(self, name: str, most: int, least: int = 0) -> tuple[Count, list[Any]]:
        """An argument, and its range."""
        term = self.terms.number(name)
        return unknown(name), [term >= least, term <= most]

    def mem_flags(self) -> tuple[Count, list[Any]]:
        """The flags of a hypercall, with the ranges of their parts where a generation looks at parts."""
        if not interface_of(self.semantics).node_in_mem_flags:
            return self.number("mem_flags", U32)
        known = []
        for part, most in MemFlags.PARTS.items():
            known += self.number(f"mem_flags.{part}", most)[1]
        return MemFlags(), known

    def order(self) -> tuple[Order, list[Any]]:
        """An order, and what is known of it."""
        order = Order(unknown("pages"), unknown("order"))
        number, pages = self.terms.count(order.number), self.terms.count(order.pages)
        return order, [number >= 0, number <= 63, pages >= 1]

    @property
    def pages(self) -> Any:
        """2^order, as a term."""
        return self.terms.number("pages")

    def term(self, value: Any) -> Any:
        """An argument as the model has it."""
        if isinstance(value, MemFlags):
            return FlagsInModel(self.terms.numbers)
        return self.terms.count(value)


def answered(ask: Callable[[], Any]) -> Outcome:
    """What came out: a status, an outcome, nothing, or the hypervisor's end."""
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
    """An operation up to where others may run; `OK` if it goes on then."""

    def ask() -> Any:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        return None

    return answered(ask)


def in_a_row(steps: Steps[Any]) -> Outcome:
    """All sections."""
    return answered(lambda: run(steps))


# -- blocks


@dataclass(frozen=True)
class BlockKind:
    """Allocated pages that an operation names: where, whose, in which state."""

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
        """Enter it in the page table; returns its frame."""
        return world.block(self.node, order, self.state, self.owner, self.refcounted, self.marked)

    def in_model(self, pages: Any) -> Block:
        """The same for the model."""
        return Block(pages, self.node, self.state.value, self.owner, self.refcounted, self.marked)

    @property
    def page_class(self) -> str:
        """The class that its pages are counted in."""
        if self.owner is None or (not self.refcounted and self.state is PageState.LIMBO):
            return f"other_pages[{self.node}]"
        return f"{self.state.value if self.refcounted else 'extra'}_pages[{self.owner}][{self.node}]"

    def plausible(self, terms: Terms, pages: Any) -> list[Any]:
        """Its pages are among those of its class. What is known of every such block is not here."""
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
    there: There = ALL_THERE,
    **arguments: Any,
) -> Plan:
    one = arguments.get("domid") if operation in _FOR_EACH else None

    def act(w: World) -> Outcome:
        return answered(lambda: ask(w))

    return Plan(operation, label, act, lambda _w: arguments, known or [], there=there, domid=one)


_FOR_EACH = ("install_claim_set", "claim_memory", "set_outstanding_pages")
"""Operations with so many paths that it is worth while to explore them for one domain only, where that is enough."""
