"""A difference between reference and model after a critical section is a failure, and so is a violated property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import z3

from proofs import operations as e
from proofs.fuzz.checker import Checker, Failure, ImpossibleEventError
from proofs.fuzz.classes import NO_STATE, _StateSolver
from proofs.fuzz.difference import counters_differ
from proofs.fuzz.known import GenerationFacts
from proofs.operations import Event
from proofs.traces.events import HostShape
from reference.pages import PageState
from reference.state import Domain, Host
from reference.status import HypervisorCrash, MisuseError

SHAPE = HostShape(8, [8, 8])
BEFORE: list[Event] = [
    e.CreateDomain(domid=0, max_pages=9, node_affinity=[0, 1]),
    e.CreateDomain(domid=1, max_pages=9, node_affinity=[0, 1]),
    e.InstallClaimSet(domid=0, claims=[e.Claim(2, 0), e.Claim(1, "global")]),
    e.AllocDomheapPages(domid=0, order=0, node=0, memflags=["exact_node"]),
]


def checker(*, every: int = 1024, proved: tuple[str, ...] = (), semantics: str = "claim-sets") -> Checker:
    """After a few events in which nothing fails."""
    found = Checker(SHAPE, GenerationFacts(semantics, list(proved), {}), every=every)
    for event in BEFORE:
        assert found.do(event) is None
    return found


def set_to(name: str, value: Any) -> Callable[[Domain], None]:
    return lambda domain: setattr(domain, name, value)


def entry(name: str, index: int) -> Callable[[Any], None]:
    def change(of: Any) -> None:
        getattr(of, name)[index] += 1

    return change


HOST: dict[str, Callable[[Host], None]] = {
    "total_avail_pages": lambda host: setattr(host, "total_avail_pages", host.total_avail_pages + 1),
    "outstanding_claims": lambda host: setattr(host, "outstanding_claims", host.outstanding_claims + 1),
    "node_avail_pages": entry("node_avail_pages", 1),
    "node_outstanding_claims": entry("node_outstanding_claims", 1),
}
OF_DOMAIN: dict[str, Callable[[Domain], None]] = {
    "claims": entry("claims", 1),
    "node_claims": set_to("node_claims", 7),
    "global_claims": set_to("global_claims", 7),
    "tot_pages": set_to("tot_pages", 7),
    "max_pages": set_to("max_pages", 7),
    "is_dying": set_to("is_dying", True),
    "is_destroyed": set_to("is_destroyed", True),
    "creation_finished": set_to("creation_finished", True),
}
"""What is compared after each critical section."""
AT_THE_END: dict[str, Callable[[Domain], None]] = {
    **OF_DOMAIN,
    "extra_pages": set_to("extra_pages", 7),
    "is_dead": set_to("is_dead", True),
    "last_frees": set_to("last_frees", 7),
    "controller_pause_count": set_to("controller_pause_count", 7),
    "last_alloc_node": set_to("last_alloc_node", 1),
    **{f"history.{kind}": lambda d, k=kind: entry(k, 0)(d.history) for kind in ("installed", "redeemed")},
    **{f"history.{kind}": lambda d, k=kind: entry(k, 2)(d.history) for kind in ("released", "recalled")},
}


@pytest.mark.parametrize("name", [*HOST, *OF_DOMAIN])
def test_differing_counter_fails_at_once(name: str) -> None:
    found = checker()
    assert not counters_differ(found.expectation.calls.state, found.host, found.expectation.calls.domains)
    if name in HOST:
        HOST[name](found.host)
    else:
        OF_DOMAIN[name](found.host.domains[1])
    assert counters_differ(found.expectation.calls.state, found.host, found.expectation.calls.domains)
    failure = found.do(e.GetOutstandingClaims())
    assert failure is not None
    assert failure.what == name


@pytest.mark.parametrize("name", AT_THE_END)
def test_rarely_compared_field_fails_at_the_end(name: str) -> None:
    found = checker()
    AT_THE_END[name](found.host.domains[1])
    failure = found.end()
    assert failure is not None
    assert failure.what == name
    often = checker(every=1)
    AT_THE_END[name](often.host.domains[1])
    assert often.do(e.GetOutstandingClaims()) is not None


@pytest.mark.parametrize("state", [PageState.ANONYMOUS, PageState.LIMBO])
def test_page_of_another_class_is_a_failure(state: PageState) -> None:
    found = checker()
    (block,) = found.host.pages.blocks.values()
    block.state = state
    failure = found.end()
    assert failure is not None
    assert failure.what in ("assigned_pages", "limbo_pages", "other_pages")


def test_history_of_the_current_domain_is_compared_at_once() -> None:
    for kind in ("installed", "redeemed", "released", "recalled"):
        found = checker()
        getattr(found.host.domains[0].history, kind)[0] += 1
        failure = found.do(e.SetMaxPages(domid=0, max_pages=9))
        assert failure is not None or found.end() is not None
        touched = checker()
        getattr(touched.host.domains[0].history, kind)[0] += 1
        failure = touched.do(e.InstallClaimSet(domid=0, claims=[]))
        assert failure is not None
        assert failure.what == f"history.{kind}"


ANSWERED = {
    "result": e.InstallClaimSet(domid=0, claims=[]),
    "mfn": e.AllocHeapPages(domid=0, order=0, node=0, memflags=["exact_node"]),
    "claims": e.GetMemoryClaims(domid=0, capacity=3, pad=0),
}


@pytest.mark.parametrize("field", ANSWERED)
def test_different_answer_is_a_failure(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checker(semantics="claim-sets-v3" if field == "claims" else "claim-sets")
    right = found.runner.begin

    def otherwise(builder: str, event: Event) -> dict[str, Any]:
        outcome = dict(right(builder, event) or {})
        assert field in outcome
        return {**outcome, field: "EBUSY" if field == "result" else 999}

    monkeypatch.setattr(found.runner, "begin", otherwise)
    failure = found.do(ANSWERED[field])
    assert failure is not None
    assert failure.field == field


def failing(error: BaseException | None, monkeypatch: pytest.MonkeyPatch) -> Failure | None:
    found = checker()

    def begin(_builder: str, _event: Event) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(found.runner, "begin", begin)
    return found.do(e.GetOutstandingClaims())


def test_crash_of_one_side_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = failing(HypervisorCrash("for a test"), monkeypatch)
    misuse = failing(MisuseError("for a test"), monkeypatch)
    assert crash is not None
    assert misuse is not None
    assert (crash.field, misuse.field) == ("crash", "misuse")
    found = checker()
    monkeypatch.setattr(found.expectation, "begin", lambda *_: found._calls.__setattr__("result", "crash"))
    failure = found.do(e.GetOutstandingClaims())
    assert failure is not None
    assert failure.field == "crash"


def test_operation_that_ends_on_one_side_only_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = failing(None, monkeypatch)
    assert failure is not None
    assert failure.field == "ends"


OFFLINED = [e.SetMaxPages(domid=1, max_pages=9), e.InstallClaimSet(domid=1, claims=[e.Claim(7, 1)])]


@pytest.mark.parametrize("proved", [(), ("node-backed",)])
def test_violated_proved_property_is_a_failure(proved: tuple[str, ...]) -> None:
    """Without recall, offlining breaks it: a failure only where it is said to be proved, else it is counted."""
    found = checker(proved=proved, semantics="claim-sets-no-recall")
    for event in OFFLINED:
        assert found.do(event) is None
    free = found.host.heap[1]
    failures = [found.do(e.OfflinePage(mfn=min(mfn for mfn, _ in free.blocks()))) for _ in range(2)]
    if proved:
        assert failures[0] is None
        assert failures[1] is not None
        assert failures[1].field == "node-backed"
    else:
        assert failures == [None, None]
        assert found.broken["node-backed"] == 1
        assert found.end() is None


def test_invalid_event_is_impossible() -> None:
    with pytest.raises(ImpossibleEventError):
        checker().do(e.Continue(builder="nobody"))
    with pytest.raises(ImpossibleEventError):
        checker().do(e.FreeHeapPages(mfn=7, order=0))


def test_class_is_unreachable_only_if_the_solver_proves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _StateSolver("claim-sets", ["node-backed"])
    short = asked.before.node_avail_pages[0] < asked.before.node_outstanding_claims[0]
    asked.ask("never", short)
    asked.ask("sometimes", short)
    asked.ask("sometimes", z3.Not(short))
    asked.ask("always", z3.BoolVal(True))
    asked.ask("always", z3.BoolVal(False))
    assert asked.found == {"never": NO_STATE, "sometimes": "", "always": ""}

    class UndecidedSolver:
        def __getattr__(self, _name: str) -> Callable[..., Any]:
            return lambda *_: z3.unknown

    monkeypatch.setattr(asked, "_solver", UndecidedSolver())
    with pytest.raises(RuntimeError, match="does not know"):
        asked.ask("hard", short)
