"""The queries of the proofs of the matrix: all that are sent to the solver for a generation, each once."""

from functools import partial

from proofs.interrupts import interrupts_noted
from proofs.matrix.cells import proofs_of
from proofs.obligations.obligation import Obligation
from proofs.parallel import in_processes
from proofs.prover.cross_check import SolverQuestion
from proofs.prover.induction import shown
from proofs.prover.pool import prepare
from proofs.prover.second_solver import UNKNOWN


def questions_of(semantics: str, ids: list[str]) -> list[SolverQuestion]:
    """Every query, with what the verdict took its answer for: a proof or no proof.

    Where there is no proof nothing is claimed: a search has to find the trace. So Z3's answer is not known here.
    """
    found: dict[Obligation, SolverQuestion] = {}

    def ask(asked: Obligation) -> set[str] | None:
        answer = shown(asked)
        found[asked] = SolverQuestion(asked, UNKNOWN if answer is None else "unsat")
        return answer

    with interrupts_noted():
        proofs_of(semantics, ids, ask)
    return list(found.values())


def all_questions(semantics: list[str], ids: list[str], jobs: int) -> list[SolverQuestion]:
    """Those of several generations.

    :raises KeyboardInterrupt: Ctrl-C
    """
    found = dict(in_processes(partial(questions_of, ids=ids), semantics, jobs, prepare=prepare))
    if len(found) < len(semantics):
        raise KeyboardInterrupt
    return [question for index in sorted(found) for question in found[index]]
