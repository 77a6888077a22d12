"""The transitions unrolled from boot: one state and one choice of transition per step.

All domains of the host are created before anything else, each with any limit. That loses no trace: creating a domain
reads and changes nothing but that domain's own id and limit, so it can be moved to the front of any trace, with the
domains renumbered in order of their ids. That it breaks no property itself is shown by the obligations about it.
"""

from dataclasses import dataclass
from typing import Any

import z3

from model.boot import boot
from model.c_types import UINT_MAX
from model.hosts.bounded import BoundedHost
from model.logic import Term, all_of, any_of, negation
from model.named import GENERATIONS, Generation
from model.operations.stashing import SMALLEST
from model.properties import PROPERTIES, Property
from model.properties.conditions import CONDITIONS
from model.properties.ranges import largest_host
from model.state import FIELDS, FieldInfo, Shape, State
from model.step import Step, TwoStates
from proofs.interrupts import interruptible
from proofs.mistakes.in_rules import mutated
from proofs.prover.solve import SIMPLEX
from proofs.search.steps import (
    POPULATES,
    POPULATES_DESTROYED,
    STASHES,
    UNTOLD,
    about,
    build,
    searched,
    sections_of,
    size_of,
    told,
)

LEDGER = tuple(
    n for n in FIELDS if n.startswith("ledger_") or n.endswith(("_installed", "_redeemed", "_released", "_recalled"))
)


SHARED = ("domid", "node", "pages")
"""Arguments that the critical sections of an operation have in common."""


@dataclass(frozen=True)
class UnrolledSection:
    """A critical section of an event, with the states around it."""

    name: str
    step: Step
    before: State
    after: State


class Unrolling:
    """All traces of one semantics on one host with that many domains, as formulas that grow by a step at a time."""

    def __init__(
        self,
        semantics: str,
        mutation: str,
        parts: list[Property],
        assumed: tuple[str, ...],
        nodes: int,
        created: int,
        seed: int = 0,
        booted: bool = True,
    ) -> None:
        rules = GENERATIONS[semantics]
        self.semantics: Generation = mutated(rules, mutation) if mutation else rules
        self.mutation = mutation
        self.parts = parts
        self.assumed = [CONDITIONS[c] for c in assumed]
        self.nodes, self.created = nodes, created
        self.domains = max(created, 1)
        """Domain ids of the host; without any domain there is one that is not used."""
        self.names = searched(self.semantics, self.parts)
        self.left_out = () if any(p.id == "redeemed-once" for p in parts) else LEDGER
        self.solver = interruptible(z3.SimpleSolver())
        self.solver.set("random_seed", seed)
        self.solver.set("arith.solver", SIMPLEX)
        first = BoundedHost(nodes, self.domains)
        self.states: list[State] = [first.state("@0")]
        self.steps: list[dict[str, list[UnrolledSection]]] = []
        """Per event: the critical sections that it is made of, for each that it may be."""
        self.choices: list[list[Term]] = []
        """Per step: for each transition of `names`, whether it is the one. Exactly one is."""
        self.told = z3.Bool("told")
        """Assumed of a trace: it has none of the steps that no trace can tell, and each search ends where it must."""
        self.kept: list[Property] = []
        self.anywhere: Unrolling | None = None
        """One step from any state in which holds what is kept, once that is known."""
        self.solver.add(largest_host(first, self.states[0]))
        self.solver.add(*[self.states[0].installed_pages[n] >= 1 for n in range(nodes)])
        if not booted:
            exist = [self.states[0].is_created[d] for d in range(self.domains)]
            self.solver.add(*exist if created else map(negation, exist))
            return
        self.solver.add(boot(first, self.states[0]))
        if created:
            self._create_all(first)

    def again(self, booted: bool = True) -> "Unrolling":
        """The same host before any step: as it boots, or in any state at all with these domains."""
        conditions = tuple(c.id for c in self.assumed)
        name, mutation = self.semantics.name, self.mutation
        return Unrolling(name, mutation, self.parts, conditions, self.nodes, self.created, booted=booted)

    @property
    def depth(self) -> int:
        """Events so far: the domains created, and the steps."""
        return self.created + len(self.steps)

    def _create_all(self, host: BoundedHost) -> None:
        """The state in which every domain has been created, with any limit."""
        before = self.states[0]
        created = host.state(f"@{self.created}")
        for name in FIELDS:
            setattr(created, name, getattr(created if name == "max_pages" else before, name))
        limits = [created.max_pages[d] for d in range(self.domains)]
        created.is_created = host.shaped(FIELDS["is_created"], lambda _d: True)
        self.solver.add(*[all_of([limit >= 0, limit <= UINT_MAX]) for limit in limits])
        self.states.append(created)

    def run(self, domid: int) -> None:
        """Before any step: the domain runs, with a page or more of those that were free. Every generation gets there by
        allocating and assigning single pages while nothing is claimed."""
        host, before = BoundedHost(self.nodes, self.domains), self.states[-1]
        after = host.state("@running")
        for name in FIELDS:
            setattr(after, name, getattr(before, name))
        got = host.pages_by_node("running")
        pages = got.total()
        after.node_avail_pages = host.combined([(1, before.node_avail_pages), (-1, got)], got)
        after.total_avail_pages = before.total_avail_pages - pages
        after.tot_pages = host.replaced(before.tot_pages, domid, pages)
        rows = [[before.assigned_pages[d, n] for n in range(self.nodes)] for d in range(self.domains)]
        rows[domid] = [got[n] for n in range(self.nodes)]
        after.assigned_pages = host.shaped(FIELDS["assigned_pages"], lambda d, n: rows[d][n])
        self.solver.add(pages >= 1, pages <= before.max_pages[domid])
        self.solver.add(*[all_of([got[n] >= 0, after.node_avail_pages[n] >= 0]) for n in range(self.nodes)])
        self.states[-1] = after

    def grow(self) -> None:
        """One more step."""
        k = self.depth + 1
        host = BoundedHost(self.nodes, self.domains)
        before, after = self.states[-1], host.state(f"@{k}")
        for name in ("installed_pages", "is_created", *self.left_out):
            setattr(after, name, getattr(before, name))
        choice = [z3.Bool(f"step{k}.{name}") for name in self.names]
        steps = {}
        for number, name in enumerate(self.names):
            sections = self._sections(host, name, before, after)
            chosen = choice[number]
            for section in sections:
                step = section.step
                self.solver.add(z3.Implies(chosen, all_of(g.formula(host) for g in step.guards)))
                self.solver.add(z3.Implies(chosen, all_of(size_of(name, step, host))))
                if section is sections[0]:
                    self.solver.add(z3.Implies(z3.And(self.told, chosen), all_of(told(name, step, host))))
            steps[name] = sections
        self.solver.add(z3.AtMost(*choice, 1), z3.Or(choice), *host.axioms)
        for info in FIELDS.values():
            if info.name not in ("installed_pages", "is_created", *self.left_out):
                self._relate(info, host, choice, steps, after)
        by_name = dict(zip(self.names, choice, strict=True))
        untold = [chosen for name, chosen in by_name.items() if name in UNTOLD]
        if POPULATES in by_name and POPULATES_DESTROYED in by_name:
            untold.remove(by_name[POPULATES_DESTROYED])
            begun = [earlier[self.names.index(POPULATES)] for earlier in self.choices]
            self.solver.add(z3.Implies(by_name[POPULATES_DESTROYED], any_of(begun)))  # it does in every generation
        self.solver.add(z3.Implies(self.told, negation(any_of(untold))))
        self.states.append(after)
        self.steps.append(steps)
        self.choices.append(choice)
        self._assume_kept(after)

    def _sections(self, host: BoundedHost, name: str, before: State, after: State) -> list[UnrolledSection]:
        """The critical sections of an event; the last one leads to the state after it."""
        found: list[UnrolledSection] = []
        names = sections_of(name)
        given: dict[str, Term] = {}
        for number, section in enumerate(names, 1):
            last = number == len(names)
            host.prefix = f"{self.depth + 1}.{name}.{number if number > 1 else ''}"
            step = Step(host, before, given)
            build(section, step, self.semantics.rules, self.mutation)
            for condition in self.assumed:
                if section in condition.transitions:
                    step.guard_all(condition.id, condition.guard(step))
            given = {key: step.arguments[key] for key in SHARED if key in step.arguments} | given
            found.append(UnrolledSection(section, step, before, after if last else host.after(step)))
            before = found[-1].after
        return found

    def keep(self, statements: list[Property]) -> None:
        """Give the solver statements that hold after every step."""
        self.kept = statements
        for state in self.states:
            self._assume_kept(state)

    def _assume_kept(self, state: State) -> None:
        self.solver.add(*[formula for part in self.kept if (formula := self.says(part, state)) is not True])

    def says(self, part: Property, state: State) -> Term:
        """What a statement about states says of one."""
        about_state = part.about_state(self.semantics.rules)
        if about_state is None:
            raise TypeError(f"{part.name} is not about a state")
        return about_state(BoundedHost(self.nodes, self.domains), state)

    def _relate(
        self, info: FieldInfo, host: BoundedHost, choice: Term, steps: dict[str, list[UnrolledSection]], after: State
    ) -> None:
        """The new value is that of the chosen event's last update, or the old one where it has none."""
        old, new = getattr(self.states[-1], info.name), getattr(after, info.name)
        updating = [
            (number, section.step.updates[info.name], getattr(section.before, info.name))
            for number, name in enumerate(self.names)
            if (section := _last_to_update(steps[name], info.name)) is not None
        ]
        for index in _indices(info, host):
            here = _at(new, index)
            kept = here == _at(old, index)
            for number, update, before in updating:
                self.solver.add(z3.Implies(choice[number], here == update.at(before, *index)))
            self.solver.add(any_of([*[choice[number] for number, _, _ in updating], kept]))

    def broken(self, parts: list[Property] | None = None) -> Term:
        """The last step, or the state it leads to, breaks one of these parts, or of all that are searched."""
        host = BoundedHost(self.nodes, self.domains)
        after = self.states[-1]
        ways = []
        for part in self.parts if parts is None else parts:
            about_state = part.about_state(self.semantics.rules)
            if about_state is not None:
                ways.append(negation(about_state(host, after)))
            elif part.of_step is not None and self.steps:
                for number, name in enumerate(self.names):
                    for section in self.steps[-1][name]:
                        if about(part, section.name):
                            two = TwoStates(section.step, section.before, section.after)
                            broken = negation(part.of_step(host, two))
                            ways.append(all_of([self.choices[-1][number], broken]))
        return any_of(ways)

    def not_ruled_out(self, statements: tuple[str, ...], waived: tuple[str, ...]) -> Term:
        """Before the last event one of these does not hold, or the event is one that the conditions are about."""
        before = self.states[-2]
        excluded = frozenset().union(*(CONDITIONS[condition].transitions for condition in waived))
        chosen = [
            choice
            for name, choice in zip(self.names, self.choices[-1], strict=True)
            if excluded & set(sections_of(name))
        ]
        return any_of([*chosen, *(negation(self.says(PROPERTIES[name], before)) for name in statements)])

    def pages(self) -> Term:
        """The size of the host."""
        return z3.Sum([self.states[0].installed_pages[n] for n in range(self.nodes)])

    def least_pages(self) -> Term:
        """A page for each node; where an extent is stashed, it is a large one."""
        stashed = [choice[self.names.index(STASHES)] for choice in self.choices if STASHES in self.names]
        return self.nodes + z3.Sum([z3.If(chosen, SMALLEST - 1, 0) for chosen in stashed]) if stashed else self.nodes

    def numbers(self) -> Term:
        """The sum of the page counts in the arguments of the chosen steps: what is to be small, too."""
        found = [self.states[1].max_pages[d] for d in range(self.created)]
        for choice, steps in zip(self.choices, self.steps, strict=True):
            for number, name in enumerate(self.names):
                named = steps[name][0].step.arguments.items()
                arguments = [term for key, value in named for term in _page_terms(key, value)]
                if arguments:
                    found.append(z3.If(choice[number], z3.Sum(arguments), 0))
        return z3.Sum(found) if found else z3.IntVal(0)

    def told_numbers(self, chosen: list[Term]) -> list[Term]:
        """The numbers of a trace of these choices, in the order in which it tells them: pages of each node, limits,
        arguments. Of traces that are as small, they say which one is shown."""
        found = [self.states[0].installed_pages[n] for n in range(self.nodes)]
        found += [self.states[1].max_pages[d] for d in range(self.created)]
        for choice, steps, one in zip(self.choices, self.steps, chosen, strict=True):
            name = self.names[choice.index(one)]
            found += [t for value in steps[name][0].step.arguments.values() for t in getattr(value, "entries", [value])]
        return [term for term in found if isinstance(term, z3.ExprRef)]

    def targets(self) -> Term:
        """How many targets the claim sets of the chosen steps name: of two that ask for as much, the shorter."""
        found = []
        for choice, steps in zip(self.choices, self.steps, strict=True):
            for number, name in enumerate(self.names):
                named = steps[name][0].step.arguments.items()
                entries = [value for key, value in named if key in ("first", "second", "global")]
                asked = [term for value in entries for term in _page_terms("global", value)]
                if asked:
                    found.append(z3.If(choice[number], z3.Sum([z3.If(term > 0, 1, 0) for term in asked]), 0))
        return z3.Sum(found) if found else z3.IntVal(0)


def _last_to_update(sections: list[UnrolledSection], field: str) -> UnrolledSection | None:
    return next((section for section in reversed(sections) if field in section.step.updates), None)


def _page_terms(key: str, value: Any) -> list[Term]:
    if hasattr(value, "entries"):
        return list(value.entries) if key != "by_node" else []
    return [value] if key in ("pages", "global", "max_pages") else []


def _indices(info: FieldInfo, host: BoundedHost) -> list[tuple[int, ...]]:
    nodes, domains = range(host.nodes), range(host.domains)
    if info.shape is Shape.HOST:
        return [()]
    if info.shape is Shape.CELL:
        return [(d, n) for d in domains for n in nodes]
    return [(i,) for i in (nodes if info.shape is Shape.NODE else domains)]


def _at(value: Any, index: tuple[int, ...]) -> Term:
    if not index:
        return value
    return value[index[0]] if len(index) == 1 else value[index]
