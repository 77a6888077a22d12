"""What ends otherwise than the model says is found, whatever it is; what is not decided or not covered is no proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import z3

from model.calls import Call, Case
from model.logic import all_of
from model.named import GENERATIONS
from proofs.diff import examine, explore, judge, run
from proofs.diff.numbers import unknown
from proofs.diff.operations import OPERATIONS
from proofs.diff.plan import Outcome, Plan, Setting
from proofs.diff.run import ASSUMED, Space, assumed_of, row
from proofs.diff.terms import Terms
from proofs.diff.world import ALL_THERE, Size, World
from proofs.prover.verdict import Verdict
from tests.sampled import PLAIN

Change = Callable[[World, Outcome], Outcome]


def host_counter(name: str) -> Change:
    def change(world: World, outcome: Outcome) -> Outcome:
        value = getattr(world.host, name)
        if isinstance(value, list):
            value[-1] = value[-1] + 1
        else:
            setattr(world.host, name, value + 1)
        return outcome

    return change


def domain_counter(name: str) -> Change:
    def change(world: World, outcome: Outcome) -> Outcome:
        domain = world.host.domains[0]
        value = getattr(domain, name)
        if name == "claims":
            domain.claims[0] = value[0] + 1
        else:
            setattr(domain, name, True if name == "is_dying" else value + 1)
        return outcome

    return change


def gone(world: World, outcome: Outcome) -> Outcome:
    del world.host.domains[0]
    return outcome


CHANGES: dict[str, Change] = {
    "another result": lambda _world, outcome: replace(outcome, result="EBUSY"),
    "another answer": lambda _world, outcome: replace(outcome, answer=dict.fromkeys(outcome.answer, 12345)),
    "a domain gone": gone,
    **{name: host_counter(name) for name in ("total_avail_pages", "outstanding_claims")},
    **{name: host_counter(name) for name in ("node_avail_pages", "node_outstanding_claims")},
    **{
        name: domain_counter(name)
        for name in ("claims", "global_claims", "node_claims", "tot_pages", "max_pages", "is_dying", "extra_pages")
    },
}


def with_change(operation: str, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    right = OPERATIONS[operation]

    def plans(setting: Setting) -> Iterator[Plan]:
        for plan in right(setting):
            yield replace(plan, act=lambda world, act=plan.act: change(world, act(world)))

    monkeypatch.setitem(OPERATIONS, operation, plans)


@pytest.mark.parametrize("name", CHANGES)
def test_changed_answer_of_a_call_is_refuted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one call with an answer; the right one is proved."""
    operation = "get_outstanding_claims" if name == "another answer" else "max_mem"
    assert row(Space(Size(1, 1)), "claim-sets", operation).verdict is Verdict.PROVED
    with_change(operation, CHANGES[name], monkeypatch)
    assert row(Space(Size(1, 1)), "claim-sets", operation).verdict is Verdict.REFUTED


@pytest.mark.parametrize("name", ["another result", "total_avail_pages", "claims", "a domain gone"])
def test_changed_outcome_of_a_script_is_refuted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an operation of several critical sections."""
    assert row(Space(Size(1, 1)), "claim-sets", "domain_kill").verdict is Verdict.PROVED
    with_change("domain_kill", CHANGES[name], monkeypatch)
    assert row(Space(Size(1, 1)), "claim-sets", "domain_kill").verdict is Verdict.REFUTED


def test_omitted_path_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = explore.PathExplorer.paths

    def all_but_the_last(self: explore.PathExplorer, function: Callable[[], Any]) -> Iterator[Any]:
        found = list(right(self, function))
        return iter(found[:-1] or found)

    monkeypatch.setattr(explore.PathExplorer, "paths", all_but_the_last)
    found = row(Space(Size(1, 1)), "claim-sets", "max_mem")
    assert found.verdict is Verdict.UNKNOWN
    assert "do not cover every input" in found.reason


def test_undecided_plan_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(*_: object) -> examine.PlanResult:
        return examine.PlanResult(unknown="for a test")

    monkeypatch.setattr(run, "examine", undecided)
    found = row(Space(Size(1, 1)), "claim-sets", "max_mem")
    assert (found.verdict, found.reason.endswith(": for a test")) == (Verdict.UNKNOWN, True)


def test_undecided_operation_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(*_: object) -> examine.PlanResult:
        raise explore.UndecidedError("for a test")

    monkeypatch.setattr(run, "examine", undecided)
    found = row(Space(Size(1, 1)), "claim-sets", "max_mem")
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "for a test")


def test_exception_in_the_reference_gives_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_world: World, _outcome: Outcome) -> Outcome:
        raise ZeroDivisionError("for a test")

    with_change("max_mem", fails, monkeypatch)
    found = row(Space(Size(1, 1)), "claim-sets", "max_mem")
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "d0: ZeroDivisionError: for a test")


@pytest.mark.parametrize("semantics", GENERATIONS)
def test_no_generation_may_violate_an_assumption(semantics: str) -> None:
    """Not that claims are backed: recall and its absence are what is compared."""
    assert set(assumed_of(semantics)) <= set(ASSUMED)
    assert not {name for name in assumed_of(semantics) if "backed" in name or "limit" in name or "dead" in name}
    if semantics in PLAIN:
        space = Space(Size(1, 1))
        solver = z3.Solver()
        unknowns = space.of(ALL_THERE)
        known = unknowns.known(semantics, assumed_of(semantics))
        claimed, free = (unknowns.terms.number(n) for n in ("outstanding_claims", "total_avail_pages"))
        solver.add(*known, claimed > free)
        assert solver.check() == z3.sat


def test_undecided_coverage_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = Terms()
    tree = explore.Tree(terms, [terms.number("a") >= 0])
    paths = [path for path, _ in explore.PathExplorer(tree).paths(lambda: bool(unknown("a") > 5))]
    assert tree.covered(paths)
    assert not tree.covered(paths[:1])
    monkeypatch.setattr(explore, "check", lambda _solver: z3.unknown)
    with pytest.raises(explore.UndecidedError):
        tree.covered(paths[1:])


def test_domain_without_symmetry_is_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model answers otherwise for the second domain: then the first does not stand for it."""
    assert row(Space(Size(1, 2)), "claim-sets", "set_outstanding_pages").by_symmetry == 1
    right = judge.cases

    def otherwise(call: Call, name: str, **arguments: Any) -> list[Case]:
        found = right(call, name, **arguments)
        if arguments.get("domid") == 1:
            return [replace(case, condition=all_of([case.condition, call.before.max_pages[1] >= 0])) for case in found]
        return found

    monkeypatch.setattr(judge, "cases", otherwise)
    assert row(Space(Size(1, 2)), "claim-sets", "set_outstanding_pages").by_symmetry == 0
