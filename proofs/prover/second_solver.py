"""One SMT-LIB 2 text, one answer: cvc5's, and Z3's from the same text."""

from __future__ import annotations

import re
import time
from importlib.util import find_spec

import msgspec

from proofs.interrupts import check
from proofs.prover.verdict import Settings

EXTRA = "cross-check"
"""The optional dependency."""
UNKNOWN = "unknown"
ANSWERS = ("unsat", "sat", UNKNOWN)
Z3_WORK_A_CVC5_STEP = 100
"""cvc5 counts its work in larger steps than Z3: about as many seconds for a hundredth."""
SECONDS = 60
"""Where cvc5 gives up although it has done less than the work allowed: a backstop, for what it does not count."""


class SolverAnswer(msgspec.Struct, frozen=True):
    """What a solver says, after how much processor time (reading the text included), and why if it is `unknown`."""

    answer: str
    seconds: float
    reason: str = ""


class MissingSolverError(Exception):
    """cvc5 is not installed; one line."""


def needs_cvc5() -> None:
    """Look whether cvc5 is there.

    :raises MissingSolverError: it is not
    """
    if find_spec("cvc5") is None:
        raise MissingSolverError(f"--cross-check needs cvc5: pip install 'claimcheck[{EXTRA}]'")


def cvc5_limits(settings: Settings) -> dict[str, int]:
    """Seed and limits of a query, as cvc5 names them."""
    work = max(1, settings.rlimit // Z3_WORK_A_CVC5_STEP)
    return {"seed": settings.seed, "sat-random-seed": settings.seed, "rlimit-per": work, "tlimit-per": 1000 * SECONDS}


def cvc5_version() -> str:
    """Of the package that is installed."""
    from importlib.metadata import version

    return version("cvc5")


def asked_cvc5(text: str, settings: Settings) -> SolverAnswer:
    """cvc5's answer. What it cannot read or do is `unknown`, with its own words as the reason."""
    import cvc5

    started = time.process_time()
    solver = cvc5.Solver(cvc5.TermManager())
    for name, value in cvc5_limits(settings).items():
        solver.setOption(name, str(value))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"(set-logic ALL)\n{text}", "obligation")
    said = ""
    try:
        while not (command := parser.nextCommand()).isNull():
            said += command.invoke(solver, parser.getSymbolManager())
    except RuntimeError as error:
        said = f"{UNKNOWN} ({error})"
    return _answer(said, time.process_time() - started)


def asked_z3(text: str, settings: Settings) -> SolverAnswer:
    """Z3's answer, as the prover sets it up, but from the text."""
    from proofs.prover.solve import fresh

    started = time.process_time()
    solver, _context = fresh(settings)
    solver.from_string(text)
    answer = str(check(solver))
    reason = solver.reason_unknown() if answer == UNKNOWN else ""
    return SolverAnswer(answer, time.process_time() - started, reason)


def _answer(said: str, seconds: float) -> SolverAnswer:
    found = re.fullmatch(r"(unsat|sat|unknown)(?: \((.*)\))?", said.strip(), re.DOTALL)
    if found is None:
        return SolverAnswer(UNKNOWN, seconds, f"not an answer: {said.strip()[:100]!r}")
    return SolverAnswer(found[1], seconds, found[2] or "")
