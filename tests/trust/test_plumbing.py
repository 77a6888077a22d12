"""The checks of the checker: what would let it say `proved` of what is not, or leave something out unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import z3
from msgspec import structs

from proofs import stored
from proofs.obligations.auxiliary import Problem
from proofs.obligations.obligation import PARAMETRIC, Obligation, bounded
from proofs.obligations.problem import problem
from proofs.obligations.suite import property_ids, suite
from proofs.prover import cache, pool, solve, vacuity
from proofs.prover.export import export
from proofs.prover.verdict import Result, Settings, Verdict

NODE_BACKED = Obligation("claim-sets", "node-backed", "alloc_heap_pages", PARAMETRIC)
REFUTED = replace(NODE_BACKED, dropped="guard:node-check")


def test_unconfirmed_countermodel_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert solve.solve(REFUTED, Settings()).verdict is Verdict.REFUTED

    def impossible_if_bounded(obligation: Obligation) -> Problem:
        found = problem(obligation)
        return found if obligation.encoding == PARAMETRIC else replace(found, negated_goal=False)

    monkeypatch.setattr(solve, "problem", impossible_if_bounded)
    result = solve.solve(REFUTED, Settings())
    assert (result.verdict, result.model) == (Verdict.UNKNOWN, {})
    assert "not confirmed" in result.reason


def test_undecided_query_is_unknown_and_not_stored(tmp_path: Path) -> None:
    settings = Settings(rlimit=1, cache=str(tmp_path))
    assert solve.solve(NODE_BACKED, settings).verdict is Verdict.UNKNOWN
    assert list(tmp_path.iterdir()) == []


def test_unsatisfiable_assumptions_are_vacuous(monkeypatch: pytest.MonkeyPatch) -> None:
    of_two = replace(NODE_BACKED, encoding=bounded(2, 2))
    right = vacuity.examine([of_two], Settings())
    assert (right.vacuous, right.satisfiable) == ([], 1)

    def contradictory(obligation: Obligation) -> Problem:
        found = problem(obligation)
        return replace(found, assumptions=found.assumptions | {"guard:never": z3.BoolVal(False)})

    monkeypatch.setattr(vacuity, "problem", contradictory)
    found = vacuity.examine([of_two], Settings())
    assert (found.vacuous, found.satisfiable, found.witness) == ([of_two.name], 0, {})


@pytest.mark.parametrize("obligation", [REFUTED, replace(REFUTED, encoding=bounded(2, 2))])
def test_exported_file_has_every_fact_and_assumption(obligation: Obligation, tmp_path: Path) -> None:
    (path,) = export([obligation], str(tmp_path))
    solver, p = z3.Solver(), problem(obligation)
    solver.add(z3.parse_smt2_string(path.read_text()))
    assert solver.check() == z3.sat  # else it would imply anything
    for formula in (*p.facts, *p.assumptions.values(), p.negated_goal):
        assert solver.check(z3.Not(formula)) == z3.unsat, formula


def key_of(settings: Settings, name: str = "a/b/c/d") -> str:
    return str(stored._path(Path("folder"), cache._key(settings, name)))


def test_stored_verdicts_are_keyed_by_all_they_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    others = [structs.replace(settings, rlimit=settings.rlimit + 1), structs.replace(settings, seed=settings.seed + 1)]
    keys = {key_of(settings), *map(key_of, others), key_of(settings, "a/b/c/e")}
    keys.add(key_of(structs.replace(settings, cores=not settings.cores)))
    assert len(keys) == 5
    for of_what in ("versions", "digest_of"):
        stored.fingerprint.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(stored, of_what, lambda _of, of_what=of_what: {of_what: "other"})
            keys.add(key_of(settings))
        stored.fingerprint.cache_clear()
    assert len(keys) == 7


def test_one_changed_character_changes_the_fingerprint(tmp_path: Path) -> None:
    roots = {}
    for name in ("reference", "model", "proofs"):
        roots[name] = tmp_path / name
        (tmp_path / name / "below").mkdir(parents=True)
        (tmp_path / name / "below" / "module.py").write_text("x = 1\n")
    digests = {stored.digest_of(roots)}
    for root in roots.values():
        (root / "below" / "module.py").write_text("x = 2\n")
        digests.add(stored.digest_of(roots))
        (root / "below" / "module.py").rename(root / "below" / "renamed.py")
        digests.add(stored.digest_of(roots))
    assert len(digests) == 7


@pytest.mark.parametrize("every", [15, pytest.param(1, marks=pytest.mark.long)])
def test_premises_for_any_host_hold_for_one_to_three_nodes(every: int) -> None:
    """What a proof for any host assumes can hold there: else it would be about other hosts only."""
    obligations = suite(["claim-sets"], property_ids(), [PARAMETRIC])
    assert len(obligations) > 1000
    for obligation in obligations[::every]:
        p = problem(obligation)
        for size in (1, 2, 3):
            solver = z3.SimpleSolver()
            solver.add(*p.facts, *p.assumptions.values(), z3.Int("nodes") == size, z3.Int("domains") == size)
            assert solver.check() == z3.sat, (obligation.name, size)


def test_refuted_on_one_host_is_not_proved_for_any() -> None:
    proved, unknown = (result(NODE_BACKED, verdict) for verdict in (Verdict.PROVED, Verdict.UNKNOWN))
    refuted = result(replace(NODE_BACKED, encoding=bounded(2, 2)), Verdict.REFUTED)
    shaken, other = pool.consistent([proved, refuted])
    assert (shaken.verdict, other) == (Verdict.UNKNOWN, refuted)
    assert "refuted on bounded-2x2" in shaken.reason
    for kept in ([proved], [unknown, refuted], [proved, structs.replace(refuted, verdict=Verdict.PROVED)]):
        assert pool.consistent(kept) == kept


def result(obligation: Obligation, verdict: Verdict) -> Result:
    return Result(obligation.name, verdict, True, 0.0, 0, "", [], [])
