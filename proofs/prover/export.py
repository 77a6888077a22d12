"""Obligations as standalone SMT-LIB 2 files, for other solvers."""

import hashlib
import re
from pathlib import Path

from proofs.obligations.obligation import Obligation
from proofs.obligations.problem import problem
from proofs.prover.solve import smtlib


def file_name(obligation: Obligation) -> str:
    """The obligation's name as a file name."""
    return re.sub(r"[^A-Za-z0-9.+~-]+", "_", obligation.name) + ".smt2"


def export(obligations: list[Obligation], directory: str) -> list[Path]:
    """One file an obligation, headed by its name, meaning, expected answer and hash."""
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for obligation in obligations:
        text = smtlib(problem(obligation))
        unsat, sat = obligation.meaning()
        expected = "unsat" if obligation.claimed and not obligation.mutation else "unknown"
        header = [
            f"; name: {obligation.name}",
            f"; unsat means: {unsat}",
            f"; sat means: {sat}",
            f"; assumes: {', '.join(obligation.assumptions()) or 'nothing'}",
            f"; statements: {', '.join(obligation.statements()) or 'none'}",
            f"; sha256 of what follows these comments: {hashlib.sha256(text.encode()).hexdigest()}",
            "(set-logic ALL)",
            *([f"(set-info :status {expected})"] if expected == "unsat" else []),
        ]
        path = target / file_name(obligation)
        path.write_text("\n".join(header) + "\n" + text)
        written.append(path)
    return written
