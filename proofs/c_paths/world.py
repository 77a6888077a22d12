"""A host in C objects with unknown counters, on one path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from types import SimpleNamespace
from typing import Any, NamedTuple

import z3

from model.calls import CALL_FIELDS, NONE, search_order
from model.state import Shape
from proofs.diff.domains import ChangedValues
from proofs.diff.numbers import chosen, flag, unknown
from proofs.diff.plan import Outcome
from proofs.diff.terms import Terms
from proofs.diff.world import Size

from .binding import BoundSource
from .driver import MOST_ENTRIES, parameters_of
from .machine import Machine
from .memory import LOCKS, UNDEFINED, UNSET, Array, Cell, LazyValue, PathEndError, Pointer, cells_in, keep_all
from .operations import DERIVED, SPAN
from .reading import SourceError
from .tree import SourcePlace

HERE = SourcePlace("<claimcheck>", 0)


class Slot(NamedTuple):
    """A counter of the host, a node, a domain, or a domain's on a node."""

    counter: str
    d: int
    n: int
    name: str
    """As the model names it."""


def _slot(counter: str, d: int, n: int) -> Slot:
    indices = {Shape.HOST: (), Shape.NODE: (n,), Shape.DOMAIN: (d,), Shape.CELL: (d, n)}[shape_of(counter)]
    return Slot(counter, d, n, counter + "".join(f"[{i}]" for i in indices))


def slots_of(bound: BoundSource, size: Size) -> list[Slot]:
    """The counters of a host, in the order of the map."""
    found = []
    for counter, expression in bound.loaded.map.counters.items():
        shape = shape_of(counter)
        domains = range(size.domains) if shape in (Shape.DOMAIN, Shape.CELL) else range(1)
        nodes = range(size.nodes) if shape in (Shape.NODE, Shape.CELL) else range(1)
        if shape is Shape.CELL and is_mask(counter, expression):
            nodes = range(1)
        found += [_slot(counter, d, n) for d in domains for n in nodes]
    return found


def shape_of(counter: str) -> Shape:
    """Whether a counter is of the host, by node, by domain, or by both."""
    return CALL_FIELDS[counter].shape if counter in CALL_FIELDS else Shape.DOMAIN


def is_mask(counter: str, expression: str) -> bool:
    """Whether a flag by domain and node is one number in C, with a bit for each node."""
    return CALL_FIELDS[counter].flag and re.search(r"\bn\b", expression) is None


class CWorld:
    """A host before and after an operation; every path begins with `restart`.

    It answers what `proofs.diff.judge` queries of a host of the reference.
    """

    def __init__(self, machine: Machine, bound: BoundSource, size: Size, terms: Terms, slots: Sequence[Slot]) -> None:
        """Paths have begun: the setup of the map runs."""
        self.machine, self.bound, self.shape, self.terms, self.slots = machine, bound, size, terms, slots
        self.host = SimpleNamespace(domains=range(size.domains))
        self.operation, self.actor = "", 0
        self.flags: dict[int, int] = {}
        self._options: dict[str, dict[int, Any]] = {}
        """The values of counters that have few, each with the formula of the inputs that lead to it."""
        self._results: dict[str, dict[str, Any]] = {}
        """The values that are results of an operation, by name."""
        machine.intrinsics |= {
            "cc_has_block": self._has_block,
            "cc_block": self._block,
            "cc_flag": self._flag,
            "cc_answer": self._answer,
        }
        machine.call("cc_setup", [size.nodes, size.domains], HERE)
        self._domains = [machine.call("cc_domain", [d], HERE) for d in range(size.domains)]
        self.cells = {slot.name: self._cell(slot) for slot in slots}
        self._limit()
        self._entries = machine.call("cc_entry", [0], HERE)
        self._initial = [(self.cells[slot.name], self.initial(slot)) for slot in slots]
        self._others = {slot.name: self._seen(self.initial(slot)) for slot in slots}
        self._watch()
        keep_all()
        self.counters_compared = self.compared()
        self.restart()

    def restart(self) -> None:
        """The state is unknown again."""
        self.alone = True
        """No other domain was read, nor what tells domains apart."""
        self.searches: list[tuple[int, ...]] = []
        self.taken = self.stash_marked = 0
        self.answers: dict[int, Any] = {}
        self.asked: list[Any] = []
        """The answers to the functions of stubs, in order."""
        self.arguments: list[Any] = []
        self.entries: list[dict[str, Any]] = []
        self.ended = ""
        """Why the path ended before its function returned."""
        self.unseen = False
        self.returned: Any = None
        self.before: dict[str, Any] = {}
        """The resolved values of cells that are decided when they are read."""
        for cell, value in self._initial:
            cell.value = value

    # -- cells

    def _cell(self, slot: Slot) -> Cell:
        pointer = self.machine.call(f"cc_at_{slot.counter}", [self._domains[slot.d], slot.n], HERE)
        target = pointer.target(HERE)
        if not isinstance(target, Cell) or not hasattr(target.type, "bits"):
            raise self.bound.loaded.refuse(f"counters.{slot.counter}", "is no integer")
        return target

    def _limit(self) -> None:
        """Entries of arrays beyond the nodes of the host may not be used, or are 0."""
        self._arrays: list[Array] = []
        for slot in self.slots:
            if slot.n == 0 and shape_of(slot.counter) in (Shape.NODE, Shape.CELL):
                found: Pointer = self.machine.call(f"cc_at_{slot.counter}", [self._domains[slot.d], 0], HERE)
                array = found.array
                if isinstance(array, Array) and array.limit is not None and array.limit > self.shape.nodes:
                    self._arrays.append(array)
        if self.bound.loaded.map.layout.beyond == "poison":
            for array in self._arrays:
                array.limit, array.why = self.shape.nodes, f"on a host of {self.shape.nodes} nodes"

    def _changed_beyond(self) -> str:
        """An entry beyond the nodes of the host that is not 0 any more; empty: there is none."""
        for array in self._arrays:
            for index, cell in array.items.items():
                if index >= self.shape.nodes and not (isinstance(cell.value, int) and cell.value == 0):
                    return str(cell.name)
        return ""

    def initial(self, slot: Slot) -> Any:
        name, counter = slot.name, slot.counter
        if counter in DERIVED:
            one, other = DERIVED[counter]
            return unknown(f"{one}[{slot.d}]") + unknown(f"{other}[{slot.d}]")
        if counter == "last_alloc_node":
            return LazyValue(lambda: self._resolved(name, self._last(slot.d)))
        if CALL_FIELDS[counter].shape is Shape.CELL and is_mask(counter, self.bound.loaded.map.counters[counter]):
            return LazyValue(lambda: self._resolved(name, self._mask(counter, slot.d)))
        if CALL_FIELDS[counter].flag:
            return LazyValue(lambda: self._resolved(name, int(bool(flag(name)))))
        return unknown(name)

    def _resolved(self, name: str, value: int) -> int:
        self.before[name] = value
        return value

    def _last(self, d: int) -> int:
        name = f"last_alloc_node[{d}]"
        if name not in self._options:
            term, nodes = self.terms.number(name), range(self.shape.nodes)
            can_be_none = self.cells[name].type.signed
            self._options[name] = {n: term == n for n in (*([NONE] if can_be_none else []), *nodes)}
        return int(chosen(name, self._options[name]))

    def _mask(self, counter: str, d: int) -> int:
        name = f"{counter}[{d}]"
        if name not in self._options:
            bits = [self.terms.flag(f"{name}[{n}]") for n in range(self.shape.nodes)]
            sets = chain.from_iterable(combinations(range(len(bits)), size) for size in range(1, len(bits) + 1))
            self._options[name] = {
                sum(1 << n for n in nodes): z3.And([bit if n in nodes else z3.Not(bit) for n, bit in enumerate(bits)])
                for nodes in sets
            }
        return int(chosen(name, self._options[name]))

    def _seen(self, value: Any) -> LazyValue:
        """A value that, once it is read, tells domains apart."""

        def decide() -> Any:
            self.alone = False
            return value

        return LazyValue(decide)

    def _also_seen(self, lazy: LazyValue) -> LazyValue:
        def decide() -> Any:
            self.alone = False
            return lazy.decide()

        return LazyValue(decide)

    def _watch(self) -> None:
        """Notice where pointers to domains are read, and fields of domains that are no counters."""
        counters = {id(cell) for cell in self.cells.values()}
        domains = self._domains[0].array
        for target in list(self.machine.globals.values()):
            for cell in cells_in(target):
                points = isinstance(cell.value, Pointer) and cell.value.array is domains
                if id(cell) not in counters and (points or target is domains) and cell.value is not UNSET:
                    cell.value = self._seen(cell.value)

    def _hide_others(self) -> None:
        """Notice where counters of other domains are read."""
        for slot in self.slots:
            if slot.d != self.actor and shape_of(slot.counter) in (Shape.DOMAIN, Shape.CELL):
                cell = self.cells[slot.name]
                if isinstance(cell.value, LazyValue):
                    cell.value = self._also_seen(cell.value)
                else:
                    cell.value = self._others[slot.name]

    def read(self, name: str) -> Any:
        """A counter, decided now if it was not before."""
        return self.cells[name].load(HERE)

    # -- functions of stubs

    def _has_block(self, _machine: Machine, _place: SourcePlace, node: Any, pages: Any) -> int:
        node = self.machine.arithmetic.known(node, HERE)
        free = self.cells[f"node_avail_pages[{node}]"].value
        found = not bool(pages > free) and bool(flag(self.free_flag(node)))
        self.asked.append(int(found))
        return int(found)

    def free_flag(self, node: int, taken: int | None = None) -> str:
        """The flag whether a node has a free block after ``taken`` blocks left the heap."""
        return f"has_block.{self.taken if taken is None else taken}[{node}]"

    def _block(self, _machine: Machine, _place: SourcePlace, node: Any) -> int:
        self.taken += 1
        mfn = self.machine.arithmetic.known(node, HERE) * SPAN + (1 << 39) + self.taken * (1 << 30)
        self.asked.append(mfn)
        return mfn

    def _flag(self, _machine: Machine, _place: SourcePlace, number: Any) -> int:
        self.asked.append(self.flags[number])
        return self.flags[number]

    def _answer(self, _machine: Machine, _place: SourcePlace, number: Any, value: Any) -> None:
        self.answers[number] = value

    # -- calling

    def set_entries(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Make the entries of a claim set."""
        machine, known = self.machine, self.bound.loaded.map
        self._entries.array.limit = MOST_ENTRIES
        self.entries = [dict(entry) for entry in entries]
        for i, entry in enumerate(entries):
            pointer = self._entries.moved(i)
            for field in known.entries:
                cell = machine.call(f"cc_at_{field}", [pointer], HERE).target(HERE)
                cell.store(machine.arithmetic.converted(entry[field], cell.type, HERE))
        self._entries.array.limit = len(entries)
        self._entries.array.why = f"in a set of {len(entries)}"

    def call(self, operation: str, actor: int | None, arguments: Mapping[str, Any]) -> Outcome:
        """Call an operation; its outcome by the names of results."""
        machine = self.machine
        names = list(parameters_of(operation))
        self.operation, self.actor = operation, -1 if actor is None else actor
        self.arguments = [arguments[name] for name in names]
        pointer = None if actor is None else self._domains[actor]
        self._hide_others()
        values = [self.shape.nodes, pointer, self._entries, *self.arguments]
        try:
            self.returned = machine.call(f"cc_op_{operation}", values, HERE)
        except PathEndError as end:
            self.unseen, self.ended = end.unseen, str(end)
            return Outcome(end.result)
        if machine.held:
            self.ended = f"returns and still holds {machine.held[0].name}"
            return Outcome(LOCKS)
        beyond = self._changed_beyond()
        if beyond:
            self.unseen, self.ended = True, f"changes {beyond} on a host of {self.shape.nodes} nodes"
            return Outcome(UNDEFINED)
        return self._named(operation)

    def _named(self, operation: str) -> Outcome:
        results = self._results.get(operation)
        if results is None:
            names = self.bound.loaded.results_of(operation)
            results = {name: self.machine.call(f"cc_result_{operation}_{name}", [], HERE) for name in names}
            self._results[operation] = results
        for name, value in results.items():
            if bool(self.returned == value):
                answers = self.bound.loaded.map.operations[operation].answers
                told = {answer: self.answers[n] for n, answer in enumerate(answers)} if name == "OK" else {}
                return Outcome(name, told)
        if not results:
            return Outcome("OK")
        return Outcome(f"a result that the map does not name: {self.returned!r}")

    # -- afterwards

    def observed(self) -> dict[str, Any]:
        """The counters that the operation changed, by the model's names."""
        seen = ChangedValues()
        for slot in self.slots:
            name, value = slot.name, self.cells[slot.name].value
            if isinstance(value, LazyValue) or (name in self.before and value is self.before[name]):
                continue
            if slot.counter in DERIVED:
                continue
            if slot.counter == "node_affinity" and slot.name.count("[") == 2 and is_mask_of(self, slot):
                for n in range(self.shape.nodes):
                    seen[f"{slot.counter}[{slot.d}][{n}]"] = bool(value >> n & 1)
            elif CALL_FIELDS[slot.counter].flag:
                seen[name] = value if isinstance(value, bool) else bool(value)
            else:
                seen.number(name, value)
        self._derived(seen)
        return seen

    def _derived(self, seen: ChangedValues) -> None:
        """Counters of the model that C keeps in another form."""
        counters = self.bound.loaded.map.counters
        nodes = range(self.shape.nodes)
        for d in range(self.shape.domains):
            name = f"node_claims[{d}]"
            node_claims: Any = self._now(name) if "node_claims" in counters else unknown(name)
            if "claims" in counters and "node_claims" not in counters:
                changed = any(self._now(f"claims[{d}][{n}]") is not unknown(f"claims[{d}][{n}]") for n in nodes)
                if changed:
                    node_claims = 0
                    for n in nodes:
                        node_claims = self._now(f"claims[{d}][{n}]") + node_claims
                    seen[name] = node_claims
            if "outstanding_pages" in counters:
                total = self.cells[f"outstanding_pages[{d}]"].value
                if not isinstance(total, LazyValue):
                    seen[f"global_claims[{d}]"] = total - node_claims

    def _now(self, name: str) -> Any:
        """A counter that is a number; one that was never read is unchanged."""
        value = self.cells[name].value
        return unknown(name) if isinstance(value, LazyValue) else value

    def copies(self) -> Iterator[tuple[Any, Any]]:
        """No counter is kept twice."""
        return iter(())

    def compared(self) -> set[str]:
        """The counters of the model that are compared."""
        found = set(self.bound.loaded.map.counters) - set(DERIVED)
        for name in DERIVED:
            if name in self.bound.loaded.map.counters:
                found |= {"global_claims"}
        return found | ({"node_claims"} if "claims" in found else set())

    # -- the node search

    def search(self, domid: int | None, requested: int | None, exact: bool) -> None:
        """Record the model's order of the search for the same affinity and last node."""
        nodes = self.shape.nodes
        every = tuple(range(nodes))
        if (requested is not None and exact) or domid is None:
            self.searches.append(search_order(nodes, every, requested, None, exact))
            return
        mask = self.read(f"node_affinity[{domid}][0]") if f"node_affinity[{domid}][0]" in self.cells else None
        if mask is None:
            raise SourceError("the map has no node_affinity, on which the node search depends")
        last = self.read(f"last_alloc_node[{domid}]") if requested is None else None
        before = self.before.get(f"last_alloc_node[{domid}]", last)
        affinity = tuple(n for n in every if self.before[f"node_affinity[{domid}][0]"] >> n & 1)
        found = search_order(nodes, affinity, requested, None if before in (None, NONE) else before, exact)
        self.searches.append(found)


def is_mask_of(world: CWorld, slot: Slot) -> bool:
    """Whether the counter of a slot is a mask."""
    return is_mask(slot.counter, world.bound.loaded.map.counters[slot.counter])
