"""One operation on one shape: the reference runs, and every outcome is held against the cases of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import z3

from model.bounded import ListVector
from model.calls import CRASH, MISUSE, Block, Call, CallHost, CallState, Case, cases, holds
from model.logic import Term, any_of, choose, negation, total_of
from model.semantics import SEMANTICS
from model.state import Shape
from proofs.diff.explorer import ExplorationError, Explorer, Pruned
from proofs.diff.finite import Finite, Seen
from proofs.diff.numbers import Number, Truth
from proofs.diff.observed import Observer, unequal
from proofs.diff.reading import Reader
from proofs.diff.search_world import Kept, Search, SearchWorld
from proofs.diff.start import Start, as_term, claim_node_agrees, compared, make_start
from proofs.diff.symbolic_host import SPAN, Domains, HasBlock, Order, make_host, put
from reference.pages import Block as PageBlock
from reference.state import Domain, Host
from reference.status import HypervisorCrash, MisuseError

T = TypeVar("T")

FOUND_MAX = 16
"""How many differences an exploration ends after."""
KEPT_MAX = 2000
"""How many lists of cases are kept."""


@dataclass
class Outcome:
    """What the reference did."""

    result: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    block: int | None = None
    """The first frame of the call's pages."""
    why: str = ""
    """What an exception said."""


@dataclass(frozen=True)
class Expected:
    """What the model says comes out."""

    result: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    block: Block | None = None


@dataclass(frozen=True)
class Called:
    """An operation that was called, with what it names."""

    op: str
    fields: Mapping[str, Any]
    blocks: Sequence[PageBlock]
    """Blocks that were allocated before, with the states that they had then."""
    marked: Sequence[int]
    offlined: Sequence[int]


@dataclass
class Found:
    """Inputs on which the reference does what no case of the model allows."""

    call: str
    """The model's name of the critical section."""
    section: int
    """How many critical sections of the operation came before."""
    called: Called
    outcome: Outcome
    expected: Expected
    differs: list[Difference]
    """Parts that differ, where the results are the same."""
    conditions: list[z3.BoolRef]
    """What the inputs have in common, and that they differ."""
    start: Start
    searches: tuple[Search, ...]
    """The node searches that led here."""


class Option(NamedTuple):
    """One value of an argument of finitely many."""

    number: int


class Execution:
    """What an operation needs to run once: a host in an unknown state, arguments, and the comparison."""

    def __init__(self, explorer: Explorer, semantics: str, nodes: int, domains: int) -> None:
        self.explorer = explorer
        self.semantics = semantics
        self.size = CallHost(nodes, domains)
        self.domains = Domains(domains)
        self.found: list[Found] = []
        self.cases_met: set[tuple[str, str]] = set()
        self.continued: set[Any] = set()
        """From where operations of several sections were explored already."""
        self.reader = Reader(explorer)
        self.kept = Kept()
        self.affinities: dict[Any, CallState] = {}
        """States in which the node_affinity of a domain is known, kept as their cases are kept by them."""
        self._orders: dict[str, Order] = {}
        self._starts: dict[str, Start] = {}
        self._cases: dict[Any, Cases] = {}

    def begin(self) -> None:
        """A new run, along the explorer's prefix."""
        self.choices: dict[str, Any] = {}
        self.section = 0
        self._lasting: list[Callable[[], Sequence[z3.BoolRef]]] = []
        self.world: SearchWorld | None = None
        self.host: Host = make_host(self.semantics, self.size.nodes, self.domains)
        self.renew()

    def renew(self) -> None:
        """Everything unknown again: other builders may have run."""
        moment = f"@{self.section}"
        if moment not in self._starts:
            self._starts[moment] = make_start(self.explorer, self.semantics, self.size, moment)
        self.start = self._starts[moment]
        self.policy = HasBlock(self.explorer, self.section)
        if self.section:
            self.explorer.forget(lambda: [*self.start.facts, *(fact for facts in self._lasting for fact in facts())])
        else:
            self.assume(lambda: self.start.facts)
        put(self.host, self.start, self.policy)
        self.look()

    def look(self) -> None:
        """Named blocks and frames are complete: what changes is measured from here."""
        self.observer = Observer(self.semantics, self.size, self.host, self.start)
        self.blocks = {block.mfn: model_block(block) for block in self.host.pages.blocks.values()}
        self.owned = {d: {b.mfn: self.blocks[b.mfn] for b in self.host.pages.of_domain(d)} for d in self.host.domains}
        named = self.observer.named
        if named:
            self.assume(lambda: [as_term(self.start.get(n, *i)) >= as_term(pages) for (n, i), pages in named.items()])

    def forget(self, domid: int) -> CallState:
        """There is no such domain; gives the state before."""
        del self.host.domains[domid]
        of_it = [info.name for info in compared() if info.shape in (Shape.DOMAIN, Shape.CELL) and not info.flag]
        numbers = [
            value
            for name in of_it
            for index, value in self.start.values[name].items()
            if index[0] == domid and isinstance(value, Number) and name != "claim_node"
        ]
        self.assume(lambda: [number.z3() == 0 for number in numbers])
        created = ListVector([d != domid for d in range(self.size.domains)])
        return self.affinities.setdefault(domid, replace(self.start.state, is_created=created))

    def block_at(self, frame: int) -> Block | None:
        """The block that began at a frame at the last boundary."""
        return self.blocks.get(frame)

    # -- arguments

    def choose(self, label: str, options: Sequence[T]) -> T:
        """One of the options; all are tried."""
        chosen = options[self.explorer.choose(label, len(options))]
        self.choices[label] = chosen
        return chosen

    def number(self, name: str, low: int, high: int) -> Number:
        """An argument of which only the range is known."""
        number = self.explorer.number(f"{name}?", low)
        self.given(lambda: [number.z3() >= low, number.z3() <= high])
        return number

    def flag(self, name: str) -> Truth:
        """An unknown truth argument."""
        return self.explorer.flag(f"{name}?")

    def order(self, name: str) -> Order:
        """An unknown order of an allocation."""
        if name not in self._orders:
            self._orders[name] = Order(self.explorer, name)
        order = self._orders[name]
        self.given(order.facts)
        return order

    def assume(self, facts: Callable[[], Sequence[z3.BoolRef]]) -> None:
        """What is known of the state in this section."""
        self.explorer.assume(facts)

    def given(self, facts: Callable[[], Sequence[z3.BoolRef]]) -> None:
        """What is known of the arguments, in every section."""
        self._lasting.append(facts)
        self.explorer.assume(facts)

    def choice(self, label: str, options: Sequence[int]) -> Any:
        """One of the numbers; decided when it is looked at."""
        values = Finite(self.explorer, [Option(option) for option in options])
        self.choices[label] = values
        return Seen(values, "number")

    def caller(self) -> Domain:
        """Any domain that a call is made for; to be asked for before anything else is chosen."""
        domain = self.caller_or(known_only=True)
        assert domain is not None
        return domain

    def caller_or(self, known_only: bool = False) -> Domain | None:
        """Any domain that a call is made for, or none.

        Domains differ in nothing but their unknowns and their place in the order of ids. So if the code looked at no
        other domain than the first when that was the caller, the other callers are alike and not explored again.
        """
        options: list[int | None] = [*range(self.size.domains), *([] if known_only else [None])]
        domid = self.choose("domid", options)
        if domid and not self.domains.others_seen:
            raise Pruned
        self.domains.caller = domid
        return None if domid is None else self.host.domains[domid]

    def term(self, value: Any) -> Any:
        """An argument of the reference as the model is given it: numbers that the path fixed as such."""
        if isinstance(value, Number):
            known = self.explorer.fixed(value)
            return value.z3() if known is None else known
        return as_term(value)

    def calls(self, op: str, **fields: Any) -> None:
        """What is called, as an event of a trace with its values still unknown; the state is complete by now."""
        blocks = [copy(block) for block in self.host.pages.blocks.values()]
        frames = (sorted(self.host.pages.offlining), sorted(self.host.pages.offlined))
        self.called = Called(op, fields, blocks, *frames)

    # -- running and comparing

    def run(self, call: Callable[[], Outcome]) -> Outcome:
        """What the reference does, a crash and a misuse included; any other exception is no case of the model."""
        try:
            with self.domains.watched():
                return call()
        except HypervisorCrash as crash:
            return Outcome(CRASH, why=str(crash))
        except MisuseError as misuse:
            return Outcome(MISUSE, why=str(misuse))
        except ExplorationError:
            raise
        except Exception as error:  # reported as what the reference did
            return Outcome(type(error).__name__, why=str(error))

    def check(self, name: str, outcome: Outcome, before: CallState | None = None, **arguments: Any) -> None:
        """The outcome of a call of one critical section is what a case of the model says, on the whole path."""
        listed = self.cases_of(name, arguments, self.start.state if before is None else before)
        index = self.decided(name, listed)
        self.compare(name, outcome, listed.outcome(index), listed.after(index))

    def cases_of(self, name: str, arguments: Mapping[str, Any], before: CallState) -> Cases:
        """The cases of the model for these arguments; kept, as many paths have the same."""
        key = (name, id(before), _key(arguments))
        if key not in self._cases:
            if len(self._cases) >= KEPT_MAX:
                self._cases.clear()
            call = Call(SEMANTICS[self.semantics], self.size, before)
            self._cases[key] = Cases(before, arguments, cases(call, name, **arguments))
        return self._cases[key]

    def decided(self, name: str, listed: Cases) -> int:
        """The case of this path; forks where it has several."""

        def only() -> int | None:
            index = listed.guess(self.explorer.model())
            claim = listed.holds(index)
            return index if claim is True or self.explorer.impossible(negation(claim)) else None

        found = self.explorer.note(only)
        if found is None:
            found = next(i for i, case in enumerate(listed.cases) if self.explorer.decide_formula(case.condition))
        self.cases_met.add((name, listed.cases[found].name))
        return found

    def compare(self, name: str, outcome: Outcome, expected: Expected, after: CallState) -> None:
        """The outcome is what is expected, on the whole path, or something is found."""
        self.explorer.note(lambda: self._judge(name, outcome, expected, after))

    def _differs(self, outcome: Outcome, expected: Expected, after: CallState) -> list[Difference] | None:
        """The parts that are not plainly the same; none to compare where the results differ already."""
        if outcome.result != expected.result or set(outcome.answer) != set(expected.answer):
            return None
        if outcome.result in (CRASH, MISUSE):
            return []
        if not same_block(self.host, expected.block, outcome.block):
            return None
        found = [Difference(part, outcome.answer[part], term) for part, term in expected.answer.items()]
        for part, index, value, term in self.observer.differences(after):
            found.append(Difference(f"{part}{list(index)}" if index else part, value, term))
        differs = [one for one in found if not self.reader.is_plainly(one.value, one.term)]
        agrees = claim_node_agrees(self.size, after, self.semantics, self.start.state)
        return differs if agrees is True else [*differs, Difference("claim_node agrees", True, agrees)]

    def _judge(self, name: str, outcome: Outcome, expected: Expected, after: CallState) -> None:
        differs = self._differs(outcome, expected, after)
        unequal = None if differs is None else any_of([one.condition() for one in differs])
        if unequal is False or (isinstance(unequal, z3.ExprRef) and self.explorer.impossible(unequal)):
            return
        parts = [one for one in differs or [] if self._possible(one.condition())]
        conditions = [*self.explorer.solver.assertions()]
        if isinstance(unequal, z3.ExprRef):
            conditions.append(unequal)
        searches = () if self.world is None else self.world.searches.values
        self.found.append(
            Found(name, self.section, self.called, outcome, expected, parts, conditions, self.start, searches)
        )
        if len(self.found) >= FOUND_MAX:
            raise Enough

    def _possible(self, condition: Any) -> bool:
        return condition if isinstance(condition, bool) else not self.explorer.impossible(condition)


@dataclass(frozen=True)
class Difference:
    """A part of the outcome: the reference's value and the model's term."""

    part: str
    value: Any
    term: Any

    def condition(self) -> Any:
        """They differ."""
        return unequal(self.value, self.term)


class Enough(ExplorationError):
    """So many differences were found that it makes no sense to go on."""


class Cases:
    """The cases of one call, with what is built of them once."""

    def __init__(self, before: CallState, arguments: Mapping[str, Any], cases: Sequence[Case]) -> None:
        self.before, self.arguments, self.cases = before, arguments, cases
        self._after: dict[int, CallState] = {}
        self._holds: dict[int, Any] = {}

    def guess(self, model: z3.ModelRef) -> int:
        """The case of one input."""
        for index, case in enumerate(self.cases):
            condition = case.condition
            if condition is not False and (
                condition is True or z3.is_true(model.eval(condition, model_completion=True))
            ):
                return index
        raise AssertionError("the model's cases leave out an input")

    def holds(self, index: int) -> Any:
        """When a case is the one."""
        if index not in self._holds:
            self._holds[index] = holds(self.cases, index)
        return self._holds[index]

    def after(self, index: int) -> CallState:
        """The state after a case."""
        if index not in self._after:
            effect = self.cases[index].effect
            self._after[index] = self.before if effect is None else effect()
        return self._after[index]

    def outcome(self, index: int) -> Expected:
        """What comes out of a case."""
        case = self.cases[index]
        return Expected(case.result, case.answer, case.block)


def same_block(host: Host, expected: Block | None, mfn: int | None) -> bool:
    """The call's pages are what the case says: state, owner, accounting and node."""
    block = None if mfn is None else host.pages.blocks.get(mfn)
    if expected is None or block is None:
        return expected is None and block is None
    found = (block.state.value, block.domid, block.refcounted, block.mfn // SPAN)
    return found == (expected.state, expected.owner, expected.refcounted, expected.node)


def model_block(block: PageBlock, marked: int = 0) -> Block:
    """A block as the model is given it, `marked` frames from its first being marked if they are in it."""
    pages = as_term(block.pages)
    leaving: Term = total_of([choose(pages > index, 1, 0) for index in range(marked)])
    return Block(pages, block.mfn // SPAN, block.state.value, block.domid, block.refcounted, leaving)


def _key(value: Any) -> Any:
    """Equal for arguments that are the same; expressions by identity, which holds while they are kept."""
    if isinstance(value, z3.ExprRef):
        return ("z3", value.get_id())
    if isinstance(value, Mapping):
        return tuple((name, _key(part)) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(_key(part) for part in value)
    if isinstance(value, Block) or hasattr(value, "__dataclass_fields__"):
        return (type(value).__name__, *(_key(getattr(value, name)) for name in value.__dataclass_fields__))
    return value
