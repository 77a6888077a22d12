"""Every transition is possible exactly where its call succeeds, and leaves the same counters."""

import pytest
import z3

from model.calls import CallHost, CallState
from model.named import GENERATIONS, TRANSITIONS
from proofs.obligations.matching_calls import matching_calls
from proofs.obligations.two_views import DOMAINS, NODES, WITHOUT_A_CALL, assumed, view_obligations
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.sampled import PLAIN, sampled

QUICK = Settings(cores=False)


FEW = {"claim-sets", "legacy-2013"}


@pytest.mark.parametrize("semantics", sampled(GENERATIONS, keep=FEW))
def test_transitions_and_calls_agree(semantics: str) -> None:
    found = {o.transition: solve(o, QUICK).verdict for o in view_obligations([semantics])}
    assert set(found) | set(WITHOUT_A_CALL) >= set(GENERATIONS[semantics].transitions)
    assert {t: v for t, v in found.items() if v is not Verdict.PROVED} == {}


def test_only_named_transitions_have_no_call() -> None:
    assert set(WITHOUT_A_CALL) < set(TRANSITIONS)


@pytest.mark.parametrize("semantics", sampled(PLAIN, keep=FEW))
def test_premises_of_each_compared_call_can_hold(semantics: str) -> None:
    """Else its comparison would be about nothing."""
    host = CallHost(NODES, DOMAINS)
    s = host.state()
    assert isinstance(s, CallState)
    for obligation in view_obligations([semantics]):
        for one in matching_calls(semantics, obligation.transition, host, s):
            solver = z3.Solver()
            solver.add(*host.axioms, *assumed(semantics, host, s).values(), one.where)
            assert solver.check() == z3.sat, (obligation.name, one.call)
