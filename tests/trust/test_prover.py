"""The prover's own steps: what has no answer is no proof, nothing is left out, and no proof outlives what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import z3

from model.named import GENERATIONS
from model.properties import PROPERTIES, Kind
from proofs.obligations.obligation import PARAMETRIC, Obligation, bounded
from proofs.obligations.suite import places, suite
from proofs.prover import induction as inductive
from proofs.prover import pool, solve
from proofs.prover.induction import Induction, candidates, induction, shown
from proofs.prover.report import verdict_of
from proofs.prover.verdict import Result, Settings, Verdict

NODE_BACKED = Obligation("claim-sets", "node-backed", "alloc_heap_pages", PARAMETRIC)
SUITE = suite(["claim-sets"], ["node-backed", "entitlement"], [PARAMETRIC])


def result(name: str, verdict: Verdict) -> Result:
    return Result(name, verdict, True, 0.0, 0, "", [], [])


@pytest.mark.parametrize("error", [MemoryError(), z3.Z3Exception("out of memory")])
def test_result_without_an_answer_is_unknown(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_obligation: Obligation, _settings: Settings) -> Result:
        raise error

    monkeypatch.setattr(solve, "solve", fails)
    (found,) = solve.solve_all([NODE_BACKED], Settings())
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "out of memory")

    def dies(_work: object, parts: list[object], _jobs: int, *others: object) -> Iterator[tuple[int, object]]:
        for index in range(len(parts)):
            others[2](index)  # type: ignore[operator]  # called with the part that is lost
        yield from ()

    monkeypatch.setattr(pool, "in_processes", dies)
    (found,), interrupted = pool.run([NODE_BACKED], Settings(), 2)
    assert (found.verdict, interrupted) == (Verdict.UNKNOWN, False)
    assert "died" in found.reason


def test_solver_error_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_obligation: Obligation, _settings: Settings) -> Result:
        raise z3.Z3Exception("sort mismatch")

    monkeypatch.setattr(solve, "solve", fails)
    with pytest.raises(z3.Z3Exception, match="sort mismatch"):
        solve.solve_all([NODE_BACKED], Settings())


def test_run_without_all_results_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [replace(NODE_BACKED, transition=name) for name in ("offline_page", "online_page")]
    asked = [NODE_BACKED, *others]
    monkeypatch.setattr(
        pool, "solve_all", lambda obligations, *_: [result(o.name, Verdict.PROVED) for o in obligations[:-1]]
    )
    found, interrupted = pool.run(asked, Settings(), 1)
    assert ([one.name for one in found], interrupted) == ([o.name for o in asked[:-1]], True)


def test_refuted_on_one_host_is_not_proved_for_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run, whatever the order; of another step it may be proved."""
    on_host, other = replace(NODE_BACKED, encoding=bounded(2, 2)), replace(NODE_BACKED, transition="offline_page")
    verdicts = {NODE_BACKED: Verdict.PROVED, on_host: Verdict.REFUTED, other: Verdict.PROVED}
    monkeypatch.setattr(pool, "solve_all", lambda obligations, *_: [result(o.name, verdicts[o]) for o in obligations])
    for asked in (list(verdicts), list(verdicts)[::-1]):
        found, _ = pool.run(asked, Settings(), 1)
        shaken = {**verdicts, NODE_BACKED: Verdict.UNKNOWN}
        assert [one.verdict for one in found] == [shaken[o] for o in asked]


@pytest.mark.parametrize(("jobs", "apart"), [(1, False), (1, True), (2, False), (64, True)])
def test_every_obligation_is_sent_to_one_process(jobs: int, apart: bool) -> None:
    handed = [o.name for chunk in pool._chunks(SUITE, jobs, apart) for o in chunk]
    assert sorted(handed) == sorted(o.name for o in SUITE)


def test_undecided_step_of_an_induction_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Induction("claim-sets", (), list(GENERATIONS["claim-sets"].invariants))
    asked = kept.question("node-backed", "alloc_heap_pages")
    assert shown(asked) is not None
    monkeypatch.setattr(inductive, "SETTINGS", Settings(rlimit=1, cores=False))
    assert shown(asked) is None


class _ScriptedSolver:
    """Answers like a solver: `chain` says which statement rests on which; what rests on nothing that holds fails."""

    def __init__(self, fails: str, rests_on: dict[str, str]) -> None:
        self.fails, self.rests_on = fails, rests_on
        self.asked: set[tuple[str, str]] = set()

    def __call__(self, asked: Obligation) -> set[str] | None:
        name = asked.property
        self.asked.add((name, asked.transition))
        needed = self.rests_on.get(name)
        if name == self.fails or (needed is not None and needed not in (asked.invariants or ())):
            return None
        return set() if needed is None else {needed}


def test_statement_based_on_a_dropped_one_is_dropped() -> None:
    """Each rests on the next, and the last fails: one after the other none of them is left."""
    names = candidates("claim-sets")
    chain = names[:4]
    ask = _ScriptedSolver(chain[-1], dict(pairwise(chain)))
    found = induction("claim-sets", ask=ask)
    assert found.kept == names[4:]
    assert set(found.fails_at) == set(chain)


def test_induction_covers_boot_and_every_step() -> None:
    ask = _ScriptedSolver("", {})
    found = induction("claim-sets", ask=ask)
    assert found.kept == candidates("claim-sets")
    steps = GENERATIONS["claim-sets"].transitions
    for name in found.kept:
        spoken_of = {place for asked, place in ask.asked if asked == name}
        assert spoken_of == {"boot", *steps}, name
        assert spoken_of == set(places(PROPERTIES[name], GENERATIONS["claim-sets"]))
        assert PROPERTIES[name].kind is Kind.STATE


def test_one_unknown_makes_the_property_unknown() -> None:
    of = partial(result, "claim-sets/node-backed/boot/parametric")
    proved, unknown, refuted = (of(v) for v in (Verdict.PROVED, Verdict.UNKNOWN, Verdict.REFUTED))
    assert verdict_of([proved, unknown, proved]) == "unknown"
    assert verdict_of([proved, unknown, refuted]) == "refuted"
    assert verdict_of([proved]) == "proved"
    assert verdict_of([]) == "not applicable"
