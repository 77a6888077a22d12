"""What the plans of one size share: the unknowns, their ranges, the precondition, and the machine."""

from __future__ import annotations

from typing import Any

from model.calls import CALL_FIELDS, NONE
from model.generations import GENERATIONS
from model.properties import PROPERTIES
from proofs.diff.plan import Plan
from proofs.diff.run import assumed_of
from proofs.diff.unknowns import Unknowns
from proofs.diff.world import Size
from proofs.obligations.suite import lacking

from .arithmetic import Arithmetic, GrowingTree
from .binding import BoundSource
from .examine import Examination
from .machine import Machine
from .operations import DERIVED
from .ranges import NotingArithmetic, SeenRanges
from .world import CWorld, slots_of


class CSpace:
    """A host of one size, for one file and generation."""

    def __init__(
        self,
        bound: BoundSource,
        machine: Machine,
        semantics: str,
        size: Size,
        operation: str,
        rlimit: int = 0,
        seen: SeenRanges | None = None,
    ) -> None:
        """:param seen: what takes note of the values that are computed"""
        self.operation, self._seen = operation, seen
        self.bound, self.machine, self.semantics, self.size, self.rlimit = bound, machine, semantics, size, rlimit
        self.unknowns = Unknowns(size)
        self.slots = slots_of(bound, size)
        self._ranges: dict[str, tuple[int, int]] = {}
        self._known = self.unknowns.known(semantics, self.assumed())
        self._known += [self.unknowns.state.stash_pages[d] == 0 for d in range(size.domains)]
        self._trees: dict[tuple[int, ...], tuple[GrowingTree, Arithmetic]] = {}
        self._definitions: dict[tuple[int, ...], int] = {}
        self._begin()
        self._find_ranges()

    def use(self, bound: BoundSource, machine: Machine) -> None:
        """Execute another text of the same file: what is known of its unknowns stays."""
        self.bound, self.machine = bound, machine
        self._begin()

    def begin_changes(self) -> None:
        """Definitions that are added from now on are of a change."""
        self._definitions = {key: tree.definitions for key, (tree, _) in self._trees.items()}

    def end_changes(self) -> None:
        """Drop what only a change defined."""
        for key, (tree, _) in self._trees.items():
            tree.keep_only(self._definitions.get(key, 0))

    def _begin(self) -> None:
        self.machine.forget()
        self.machine.begin(Arithmetic(GrowingTree(self.unknowns.terms, []), {}, {}))
        self._world = CWorld(self.machine, self.bound, self.size, self.unknowns.terms, self.slots)

    def assumed(self) -> list[str]:
        """The properties assumed of every state."""
        known = self.bound.loaded.map
        more = [*known.assume.properties, *known.operations[self.operation].assume]
        for name in more:
            if lacking(PROPERTIES[name], GENERATIONS[self.semantics]):
                raise self.bound.loaded.refuse(
                    f"operations.{self.operation}", f"{name} does not apply to {self.semantics}"
                )
        return [*assumed_of(self.semantics), *more]

    def _find_ranges(self) -> None:
        """Each counter is in the range of its type in C, is not negative, and within the map's limit."""
        terms, most, world = self.unknowns.terms, self.bound.loaded.map.assume.most_pages, self._world
        for slot in self.slots:
            kind = world.cells[slot.name].type
            names = [f"{part}[{slot.d}]" for part in DERIVED.get(slot.counter, ())] or [slot.name]
            if slot.counter in DERIVED:
                total: Any = sum(terms.number(name) for name in names)
                self._known.append(total <= min(kind.high, most))
            elif slot.counter == "last_alloc_node":
                self._known.append(terms.number(slot.name) >= (NONE if kind.signed else 0))
                continue
            elif CALL_FIELDS[slot.counter].flag:
                continue
            for name in names:
                low, high = max(0, kind.low), min(kind.high, most)
                if slot.counter == "claim_node":
                    low = NONE
                self._ranges[name] = low, high
                self._known += [terms.number(name) >= low, terms.number(name) <= high]
        for name in self.unknowns.terms.numbers:
            self._ranges.setdefault(name, (0, most))

    def examination(self, plan: Plan, ranges: dict[str, tuple[int, int]]) -> Examination:
        """What a plan is examined with."""
        known = [*self._known, *plan.known]
        key = tuple(formula.get_id() for formula in known)
        if key not in self._trees:
            tree = GrowingTree(self.unknowns.terms, known, self.rlimit)
            of = tree, self._ranges | ranges, {"order": "pages"}
            arithmetic = Arithmetic(*of) if self._seen is None else NotingArithmetic(self._seen, *of)
            self._trees[key] = tree, arithmetic
        tree, arithmetic = self._trees[key]
        arithmetic.ranges |= ranges
        return Examination(self.machine, self.unknowns, tree, arithmetic, self._world, self.semantics)


__all__ = ["CSpace"]
