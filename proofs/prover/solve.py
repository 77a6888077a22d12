"""One obligation put to Z3."""

import hashlib
import time
from collections.abc import Callable

import z3
from msgspec import structs

from model.logic import Term, negation
from proofs.interrupts import check, interruptible, interrupts_noted, is_interrupted
from proofs.obligations.auxiliary import Problem
from proofs.obligations.obligation import AUXILIARY, PARAMETRIC, Obligation, bounded
from proofs.obligations.problem import problem
from proofs.prover.cache import store_result, stored_result
from proofs.prover.verdict import Result, Settings, Verdict
from proofs.stored import DamagedFileError
from proofs.violated import violated

CONFIRMING_HOST = bounded(2, 2)
"""The bounded host on which parametric countermodels are confirmed."""

SIMPLEX = 2
"""Z3's older arithmetic. Measured: with the newer the solver takes 1.14 times as long on the matrix of claim-sets."""


def fresh(settings: Settings) -> tuple[z3.Solver, z3.Context]:
    """A solver of its own context: what it does depends on the problem alone, not on what was built before."""
    context = z3.Context()
    # Measured: with z3.Solver the matrix of claim-sets takes 1.10 times as long, and 3 questions end as unknown.
    solver = interruptible(z3.SimpleSolver(ctx=context))
    solver.set("rlimit", settings.rlimit)
    solver.set("random_seed", settings.seed)
    solver.set("arith.solver", SIMPLEX)
    return solver, context


def loaded(p: Problem, settings: Settings) -> tuple[z3.Solver, dict[str, z3.BoolRef]]:
    """A solver with the problem, and a literal for each labelled assumption."""
    solver, context = fresh(settings)
    solver.set("core.minimize", True)
    for fact in p.facts:
        solver.add(_in(context, fact))
    labels = {}
    for label, formula in p.assumptions.items():
        labels[label] = z3.Bool(f"|{label}|", context)
        solver.add(z3.Implies(labels[label], _in(context, formula)))
    solver.add(_in(context, p.negated_goal))
    return solver, labels


def _in(context: z3.Context, formula: Term) -> z3.BoolRef:
    return z3.BoolVal(formula, context) if isinstance(formula, bool) else formula.translate(context)


def plain(p: Problem, settings: Settings) -> z3.Solver:
    """A solver with the problem, its assumptions unlabelled."""
    solver, context = fresh(settings)
    for formula in (*p.facts, *p.assumptions.values(), p.negated_goal):
        solver.add(_in(context, formula))
    return solver


def smtlib(p: Problem) -> str:
    """The obligation as SMT-LIB 2 commands, without a header."""
    text: str = plain(p, Settings()).to_smt2()
    return text.replace("(set-info :status unknown)\n", "", 1)  # the caller knows better


def solve(obligation: Obligation, settings: Settings) -> Result:
    """The verdict on one obligation, from the cache if it is there."""
    started = time.perf_counter()
    unreadable = False
    try:
        found = stored_result(settings, obligation.name)
    except DamagedFileError:
        found, unreadable = None, True
    if found is not None:
        return found
    p = problem(obligation)
    text = smtlib(p) if settings.hashes else ""
    digest = hashlib.sha256(text.encode()).hexdigest() if text else ""
    solver, labels = loaded(p, settings) if settings.cores else (plain(p, settings), {})
    answer = check(solver, *labels.values())
    used: list[str] = []
    reason = ""
    model: dict[str, str] = {}
    false: list[str] = []
    verdict = Verdict.UNKNOWN
    if answer == z3.unsat:
        verdict = Verdict.PROVED
        used = sorted(str(literal).strip("|") for literal in solver.unsat_core())
    elif answer == z3.sat:
        verdict, reason, model, false = _refuted(obligation, solver, p, settings)
    else:
        reason = solver.reason_unknown()
    result = Result(
        name=obligation.name,
        verdict=verdict,
        claimed=obligation.claimed,
        seconds=time.perf_counter() - started,
        rlimit=_work(solver),
        hash=digest,
        used=used,
        lemmas=sorted(set(p.lemmas)),
        reason=reason,
        model=model,
        violated=false,
        unreadable=unreadable,
    )
    return structs.replace(store_result(settings, result), text=text if settings.texts else "")


def _refuted(
    obligation: Obligation, solver: z3.Solver, p: Problem, settings: Settings
) -> tuple[Verdict, str, dict[str, str], list[str]]:
    """A parametric countermodel may give sums that no host has: a bounded host has to confirm it."""
    if obligation.semantics in AUXILIARY:
        return Verdict.REFUTED, "", shown(solver.model()), []
    if obligation.encoding != PARAMETRIC:
        return Verdict.REFUTED, "", shown(solver.model()), _violated(solver, p)
    from dataclasses import replace

    p = problem(replace(obligation, encoding=CONFIRMING_HOST))
    concrete = plain(p, settings)
    if check(concrete) == z3.sat:
        return Verdict.REFUTED, f"confirmed on {CONFIRMING_HOST}", shown(concrete.model()), _violated(concrete, p)
    return Verdict.UNKNOWN, f"countermodel not confirmed on {CONFIRMING_HOST}", {}, []


def _violated(solver: z3.Solver, p: Problem) -> list[str]:
    goal = p.negated_goal.arg(0) if z3.is_not(p.negated_goal) else negation(p.negated_goal)
    return violated(solver.model(), _in(solver.ctx, goal))


def shown(model: z3.ModelRef) -> dict[str, str]:
    """A model as text: what is zero or false is left out."""
    values = {d.name(): str(model[d]) for d in model.decls() if d.arity() == 0 and "|" not in d.name()}
    return {k: v for k, v in sorted(values.items()) if v not in ("0", "False")}


def _work(solver: z3.Solver) -> int:
    statistics = solver.statistics()
    found = [int(value) for key, value in statistics if key == "rlimit count"]
    return found[0] if found else 0


def _nothing(_done: int) -> None:
    """No progress is shown."""


def solve_all(
    obligations: list[Obligation], settings: Settings, progress: Callable[[int], None] = _nothing
) -> list[Result]:
    """Several obligations in one process. Ctrl-C ends it: the results are those that were finished."""
    results: list[Result] = []
    with interrupts_noted():
        for obligation in obligations:
            try:
                results.append(_solved(obligation, settings))
            except KeyboardInterrupt:
                break
            if is_interrupted():
                break
            progress(len(results))
    return results


def _solved(obligation: Obligation, settings: Settings) -> Result:
    """The verdict; unknown where memory does not suffice and that is noticed, which is not always so."""
    try:
        return solve(obligation, settings)
    except MemoryError:
        pass
    except z3.Z3Exception as error:
        if "out of memory" not in str(error):
            raise
    return Result(obligation.name, Verdict.UNKNOWN, obligation.claimed, 0.0, 0, "", [], [], "out of memory")
