"""What every step keeps on the host that is searched, so that the solver need not look where no trace leads.

All statements about states are assumed of any state at all; one that some step does not keep is dropped, until none is.
What is left holds at boot, so it holds after every step of a trace.
"""

from collections.abc import Hashable

import z3

from model.logic import negation
from model.properties import PROPERTIES, Kind, Property
from proofs.interrupts import check
from proofs.obligations.suite import lacking
from proofs.search.unroll import Unrolling

FROM = 3
"""Steps of a trace from which on it is quicker to find out first what is kept."""
LEDGER = "redeemed-once.ledger"
_KEPT: dict[Hashable, list[Property]] = {}


def may_break(host: Unrolling, parts: list[Property]) -> bool:
    """Whether a step may violate a property, from any state in which the kept statements hold.

    It is checked once a trace is long.
    """
    if len(host.steps) != FROM:
        return True
    if host.anywhere is None:
        host.anywhere = host.again(booted=False)
        host.anywhere.grow()
        kept = _kept(host)
        host.keep(kept)
        host.anywhere.keep(kept)
    return bool(check(host.anywhere.solver, host.anywhere.broken(parts)) != z3.unsat)


def _kept(host: Unrolling) -> list[Property]:
    """The same for all hosts of a size under the same conditions."""
    rules, conditions = host.semantics.rules, tuple(c.id for c in host.assumed)
    ledger = not host.left_out
    key = (rules, host.semantics.transitions, conditions, host.nodes, host.created, ledger)
    if key not in _KEPT:
        about_states = [p for p in PROPERTIES.values() if p.kind is Kind.STATE and not lacking(p, host.semantics)]
        _KEPT[key] = _largest_kept(host, [p for p in about_states if ledger or p.name != LEDGER])
    return _KEPT[key]


def _largest_kept(host: Unrolling, candidates: list[Property]) -> list[Property]:
    booted, anywhere = host.again(), host.again(booted=False)
    anywhere.grow()
    before, after = anywhere.states
    assumed, fails = {}, {}
    for part in candidates:
        assumed[part.name], fails[part.name] = z3.Bools([f"{part.name} before", f"{part.name} fails"])
        anywhere.solver.add(z3.Implies(assumed[part.name], anywhere.says(part, before)))
        anywhere.solver.add(z3.Implies(fails[part.name], negation(anywhere.says(part, after))))
    kept = [p for p in candidates if check(booted.solver, negation(booted.says(p, booted.states[-1]))) == z3.unsat]
    while True:
        given = [assumed[part.name] for part in kept]
        still = [part for part in kept if check(anywhere.solver, fails[part.name], *given) == z3.unsat]
        if len(still) == len(kept):
            return kept
        kept = still
