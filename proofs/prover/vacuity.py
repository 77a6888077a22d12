"""Is anything proved only because nothing can happen, or stated though nothing needs it?

On a bounded host, for every transition: the assumptions of each obligation are satisfiable (a witness is kept),
and each guard and each update is dropped by name to see which property then fails. One that no property misses
is a finding about the properties, or about the rule; it is no error.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import z3

from model.hosts.bounded import BoundedHost
from model.named import GENERATIONS, TRANSITIONS
from model.step import Step
from proofs.interrupts import check
from proofs.obligations.obligation import Obligation, bounded
from proofs.obligations.problem import problem
from proofs.obligations.suite import property_ids, suite
from proofs.parallel import in_processes
from proofs.prover.solve import loaded, shown
from proofs.prover.verdict import Settings


@dataclass
class Vacuity:
    """What was found about one transition."""

    transition: str
    satisfiable: int = 0
    """Obligations whose assumptions a state and a step satisfy."""
    vacuous: list[str] = field(default_factory=list)
    """Obligations that nothing satisfies: proofs of nothing."""
    undecided: list[str] = field(default_factory=list)
    witness: dict[str, str] = field(default_factory=dict)
    """A state and a step that satisfy the assumptions of the first obligation."""
    needed: dict[str, str] = field(default_factory=dict)
    """Guard or update, to a property that fails without it."""
    not_needed: list[str] = field(default_factory=list)
    """Guards and updates that no property misses."""


def labels_of(semantics: str, transition: str) -> list[str]:
    """The guards and updates of a transition, by label."""
    host = BoundedHost(1, 1)
    step = Step(host, host.state())
    TRANSITIONS[transition].build(step, GENERATIONS[semantics].rules)
    return [f"guard:{g.name}" for g in step.guards] + [f"update:{name}" for name in step.updates]


def examine(obligations: list[Obligation], settings: Settings) -> Vacuity:
    """All obligations about one transition."""
    found = Vacuity(obligations[0].transition)
    open_labels = labels_of(obligations[0].semantics, found.transition)
    for obligation in obligations:
        p = problem(obligation)
        goal, p.negated_goal = p.negated_goal, True
        solver, labels = loaded(p, settings)
        answer = check(solver, *labels.values())
        if answer == z3.sat:
            found.satisfiable += 1
            found.witness = found.witness or shown(solver.model())
        elif answer == z3.unsat:
            found.vacuous.append(obligation.name)
        else:
            found.undecided.append(obligation.name)
        solver.add(goal if isinstance(goal, bool) else goal.translate(solver.ctx))
        candidates = [label for label in open_labels if label in labels]
        if not candidates or check(solver, *labels.values()) != z3.unsat:
            continue
        core = {str(literal).strip("|") for literal in solver.unsat_core()}
        for label in candidates:
            # Outside the core, dropping it leaves the proof as it is.
            if label in core:
                others = [literal for name, literal in labels.items() if name != label]
                if check(solver, *others) == z3.sat:
                    found.needed[label] = obligation.property
                    open_labels.remove(label)
    found.not_needed = open_labels
    return found


def examined_obligations(semantics: str, nodes: int = 2, domains: int = 2) -> dict[str, list[Obligation]]:
    """What is examined, by transition."""
    obligations = [o for o in suite([semantics], property_ids(), [bounded(nodes, domains)]) if o.claimed]
    return {t: [o for o in obligations if o.transition == t] for t in GENERATIONS[semantics].transitions}


def vacuity(
    semantics: str, jobs: int, nodes: int = 2, domains: int = 2, executor: Executor | None = None
) -> list[Vacuity]:
    """Every transition of a semantics, each with all obligations about it."""
    work = partial(examine, settings=Settings())
    groups = [group for group in examined_obligations(semantics, nodes, domains).values() if group]
    found = dict(in_processes(work, groups, jobs, executor))
    if len(found) < len(groups):
        raise KeyboardInterrupt  # a part would look whole
    return [found[i] for i in sorted(found)]
