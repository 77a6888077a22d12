"""Both encodings against plain Python: what is false of one host is proved on none, neither bounded nor any.

Statements are made of everything that properties and transitions are made of: quantifiers, their duals, sums, derived
vectors, lemmas, a step. On hosts of a few sizes, with fixed numbers, plain Python says whether each is true. The bounded
host has to agree. For any host, nothing false may follow, from whatever is true and assumed, of the host with these
numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import z3

from model.hosts.bounded import BoundedHost
from model.hosts.parametric import ParametricHost
from model.hosts.views import View
from model.logic import all_of, any_of, choose, implies, minimum, negation, positive_part, same, total_of
from model.step import ColumnUpdate, Step
from proofs.obligations.auxiliary import parametric_problem
from tests.model.statements import ALL, DOMAIN, GRID, HOST, NODE, SIZES, Numbers, Sides, Statement, truth


def _arguments(h: Any) -> dict[str, Any]:
    return {
        "node": h.node("node"),
        "domid": h.domain("domid"),
        "pages": h.pages("pages"),
        "flag": h.flag("flag"),
        "by_node": h.pages_by_node("by_node"),
        "by_domain": h.pages_by_domain("by_domain"),
    }


def _entries(value: Any, wanted: Any) -> Iterator[tuple[Any, int]]:
    """Terms and numbers: entries, and of lists the sums of as many as there are."""
    if not isinstance(wanted, list):
        yield value, wanted
    elif isinstance(wanted[0], list):
        for d, row in enumerate(wanted):
            yield from _entries(value.row(z3.IntVal(d)), row)
        for n in range(len(wanted[0])):
            yield from _entries(value.column(z3.IntVal(n)), [row[n] for row in wanted])
    else:
        for i, number in enumerate(wanted):
            yield value[z3.IntVal(i)], number
            if hasattr(value, "sequenced"):
                yield value.sequenced.prefix(z3.IntVal(i)), sum(wanted[:i])
        if hasattr(value, "sequenced"):
            yield value.sequenced.prefix(z3.IntVal(len(wanted))), sum(wanted)


def _step(h: Any, s: Any) -> Step:
    """Changes every field whose value after it is known; to what, the numbers say."""
    step = Step(h, s)
    for name in HOST:
        step.set(name, z3.Int(f"new.{name}"))
    for name in NODE:
        step.set_vector(name, h.pages_by_node(f"new.{name}"))
    for name in DOMAIN:
        step.set_vector(name, h.pages_by_domain(f"new.{name}"))
    return step


def bounded(numbers: Numbers) -> tuple[Sides, list[Any]]:
    """The bounded host with these numbers: its formulas, and what makes it that host."""
    h = BoundedHost(numbers.nodes, numbers.domains)
    s = h.state()
    after = h.after(_step(h, s))
    of = {name: getattr(s, name) for name in (*HOST, *NODE, *DOMAIN, *GRID)} | _arguments(h)
    of |= {f"after.{name}": getattr(after, name) for name in (*HOST, *NODE, *DOMAIN)}
    pinned = [term == wanted for name in of for term, wanted in _entries(of[name], numbers.values[name])]
    return Sides(h, h, of), [*pinned, *h.axioms]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_bounded_host_agrees_with_plain_numbers(size: tuple[int, int]) -> None:
    numbers = Numbers(*size, size[1])
    side, pinned = bounded(numbers)
    solver = z3.SimpleSolver()
    solver.add(*pinned)
    assert solver.check() == z3.sat
    by_name = dict(ALL)
    for name, true in truth(numbers).items():
        said = by_name[name](side)
        assert solver.check(said if true else negation(said)) == z3.sat, name
        assert solver.check(negation(said) if true else said) == z3.unsat, name


class _AnyHost:
    """A statement about any host, and what makes that host the one with these numbers."""

    def __init__(self, numbers: Numbers) -> None:
        self.host, self.numbers = ParametricHost(), numbers
        self.s = self.host.state()
        self.after = self.host.after(_step(self.host, self.s))
        self.of = {name: getattr(self.s, name) for name in (*HOST, *NODE, *DOMAIN, *GRID)} | _arguments(self.host)
        self.of |= {f"after.{name}": getattr(self.after, name) for name in (*HOST, *NODE, *DOMAIN)}

    def pinned(self) -> list[Any]:
        found = [self.host.nodes == self.numbers.nodes, self.host.domains == self.numbers.domains]
        for name, value in self.of.items():
            found += [term == wanted for term, wanted in _entries(value, self.numbers.values[name])]
        for name in (*HOST, *NODE, *DOMAIN):
            new = self.host.vector(f"new.{name}", "node" if name in NODE else "domain")
            value = z3.Int(f"new.{name}") if name in HOST else new
            found += [term == wanted for term, wanted in _entries(value, self.numbers.values[f"after.{name}"])]
        return found

    def problem(self, goal: Statement, assumption: Statement) -> list[Any]:
        """Facts, assumption and the negated goal, as the prover would get them."""
        built = parametric_problem(
            self.host,
            lambda q: goal(Sides(q, self.host, self.of)),
            lambda q: {"assumed": assumption(Sides(q, self.host, self.of))},
        )
        return [*built.facts, *built.assumptions.values(), built.negated_goal]


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((1, 1), id="(1, 1)", marks=pytest.mark.long),
        pytest.param((2, 2), id="(2, 2)"),
        pytest.param((3, 2), id="(3, 2)", marks=pytest.mark.long),
    ],
)
def test_statement_false_on_one_host_is_not_proved_for_any(size: tuple[int, int]) -> None:
    """Whatever is true is assumed of it, in turn. A statement that is true may have no proof, and most have one."""
    numbers, by_name = Numbers(*size, size[0]), dict(ALL)
    said = truth(numbers)
    true, false = ([name for name in said if said[name] is wanted] for wanted in (True, False))
    solver = z3.SimpleSolver()
    solver.add(*_AnyHost(numbers).pinned())

    def proved(goal: str, assumed: str) -> bool:
        solver.push()
        solver.add(*_AnyHost(numbers).problem(by_name[goal], by_name[assumed]))
        answer = solver.check()
        solver.pop()
        return bool(answer == z3.unsat)

    for number, name in enumerate(false):
        assumed = true[number * 7 % len(true)]
        assert not proved(name, assumed), f"{name}, assumed: {assumed}"
    some = true[:: max(1, len(true) // 20)]
    assert sum(proved(name, true[0]) for name in some) > 0.8 * len(some)


def test_each_statement_holds_on_one_host_and_fails_on_another() -> None:
    """But for a few: else a statement would test nothing."""
    hosts = [truth(Numbers(*size, seed)) for size in SIZES for seed in range(3)]
    assert len(ALL) == len(dict(ALL)) > 250
    both = [name for name in dict(ALL) if {True, False} <= {host[name] for host in hosts}]
    assert len(both) > 0.5 * len(ALL)


def test_views_share_no_constant() -> None:
    """A node that is assumed to be somewhere is not the one at which something is to be shown, nor is any other."""
    host = ParametricHost()
    shown, assumed = View(host, assumed=False), View(host, assumed=True)
    seen: list[Any] = []
    for view in (shown, assumed.dual, shown, assumed.dual):
        view.every_node(lambda n: seen.append(n) or True)
        view.every_cell(lambda d, n: seen.extend((d, n)) or True)
    assert len({str(term) for term in seen}) == len(seen) == 12


def _of_step(h: Any, s: Any) -> tuple[dict[str, Any], Step]:
    """Each kind of update once; and what it is to leave, by cell."""
    step = Step(h, s)
    node, domid = step.node(), step.domain()
    values = h.pages_by_node("by_node")
    step.set_at("node_avail_pages", node, 7)
    step.add_at("node_outstanding_claims", node, 3)
    step.add("total_avail_pages", 2)
    step.add_at("tot_pages", domid, 4)
    step.add_cell("claims", domid, node, 5)
    step.add_row("assigned_pages", domid, values)
    step.set_column("limbo_pages", node, h.pages_by_domain("by_domain"))
    return {"node": node, "domid": domid, "values": values}, step


def test_update_changes_only_its_entries() -> None:
    """On a host of two nodes and domains, entry by entry, for each node and domain that the step may be about."""
    h = BoundedHost(2, 2)
    s = h.state()
    of, step = _of_step(h, s)
    after = h.after(step)
    update = step.updates["limbo_pages"]
    assert isinstance(update, ColumnUpdate)
    column = update.values
    for node in range(2):
        for domid in range(2):
            wrong = [after.total_avail_pages != s.total_avail_pages + 2]
            for n in range(2):
                here = n == node
                wrong.append(after.node_avail_pages[n] != (7 if here else s.node_avail_pages[n]))
                wrong.append(after.node_outstanding_claims[n] != s.node_outstanding_claims[n] + (3 if here else 0))
                for d in range(2):
                    claims, assigned = s.claims[d, n], s.assigned_pages[d, n]
                    wrong.append(after.claims[d, n] != claims + (5 if here and d == domid else 0))
                    wrong.append(after.assigned_pages[d, n] != assigned + (of["values"][n] if d == domid else 0))
                    wrong.append(after.limbo_pages[d, n] != (column[d] if here else s.limbo_pages[d, n]))
            wrong += [after.tot_pages[d] != s.tot_pages[d] + (4 if d == domid else 0) for d in range(2)]
            solver = z3.SimpleSolver()
            solver.add(*h.axioms, of["node"] == node, of["domid"] == domid)
            assert solver.check() == z3.sat
            assert solver.check(z3.Or(wrong)) == z3.unsat
    untouched = set(vars(after)) - set(step.updates)
    assert all(getattr(after, name) is getattr(s, name) for name in untouched)


def test_logic_agrees_with_python() -> None:
    """Of terms that are known, of unknown ones, and of any mixture."""
    names = "pqr"
    for choice in itertools.product((False, True, None), repeat=3):
        terms = [z3.Bool(n) if value is None else value for n, value in zip(names, choice, strict=True)]
        p, q, r = terms
        numbers = [z3.If(t, 1, 0) if isinstance(t, z3.BoolRef) else int(t) for t in terms]
        made = {
            "all": (all_of(terms), lambda a, b, c: a and b and c),
            "any": (any_of(terms), lambda a, b, c: a or b or c),
            "not": (negation(p), lambda a, _b, _c: not a),
            "implies": (implies(p, q), lambda a, b, _c: not a or b),
            "choose": (choose(p, q, r) == True, lambda a, b, c: b if a else c),  # noqa: E712  # a term
            "minimum": (minimum(numbers[0], 2 * numbers[1]) == 1, lambda a, b, _c: min(a, 2 * b) == 1),
            "positive": (positive_part(numbers[0] - numbers[1]) == 1, lambda a, b, _c: max(0, a - b) == 1),
            "total": (total_of(numbers) == 2, lambda a, b, c: a + b + c == 2),
            "same": (same(numbers[0], numbers[1]), lambda a, b, _c: a == b),
        }
        for values in itertools.product((False, True), repeat=3):
            if any(fixed not in (None, value) for fixed, value in zip(choice, values, strict=True)):
                continue
            model = [(z3.Bool(n), z3.BoolVal(value)) for n, value in zip(names, values, strict=True)]
            for name, (term, wanted) in made.items():
                found = term if isinstance(term, bool) else z3.is_true(z3.simplify(z3.substitute(term, *model)))
                assert found == wanted(*values), (name, choice, values)
