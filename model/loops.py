"""Proofs that the loops of the C code compute the closed forms that the transitions use.

Each loop has three cases: its invariant holds at the start (initiation), one iteration keeps it (consecution), and at
the end it implies the closed form (exit). That these three suffice is a trusted meta-step.
"""

from dataclasses import dataclass

import z3

from model.hosts import lemmas
from model.hosts.lemmas import SummableSequence
from model.logic import Term, all_of, minimum


@dataclass(frozen=True)
class LoopCase:
    """One case of the proof of a loop."""

    loop: str
    case: str
    assumptions: list[Term]
    goal: Term


def _vector(name: str) -> SummableSequence:
    ints = [z3.IntSort()] * 2
    entry, prefix = z3.Function(name, *ints), z3.Function(f"sum.{name}", *ints)
    return SummableSequence(entry, prefix)


def _take_ascending(loop: str, skips: bool) -> list[LoopCase]:
    """`for i ascending, while rest: take = min(rest, held[i]); held[i] -= take; aggregate -= take; rest -= take`.

    redeem_claims_for_allocation (step 3, which skips the allocation node) and both recalls. Closed form:
    index i gives `lemmas.taken`, the aggregate loses min(amount, sum of held).
    """
    held, k, j, bound = _vector("held"), z3.Int("k"), z3.Int("j"), z3.Int("bound")
    amount, rest, aggregate, start = z3.Ints("amount rest aggregate aggregate_at_start")
    node = z3.Int("allocation_node")

    def given(i: Term) -> Term:
        return lemmas.taken(held, amount, i)

    def invariant(i: Term, left: Term, value: Term) -> Term:
        done = minimum(amount, held.prefix(i))
        return all_of([held.prefix(i) >= 0, left == amount - done, value == start - done])

    zero = z3.IntVal(0)
    take = minimum(rest, held.entry(k))
    # An iteration that skips its index takes nothing there: the vector is zero at the allocation node.
    turn_take = z3.If(k == node, 0, take) if skips else take
    skipped = [z3.Implies(k == node, held.entry(k) == 0)] if skips else []
    turn = [
        amount >= 0,
        held.entry(k) >= 0,
        held.prefix(k + 1) == held.prefix(k) + held.entry(k),
        invariant(k, rest, aggregate),
        *skipped,
    ]
    kept = all_of([turn_take == given(k), invariant(k + 1, rest - turn_take, aggregate - turn_take)])
    # When rest is 0 the loop may stop early: no later index contributes.
    monotone = held.prefix(j) >= held.prefix(k)
    early = [amount >= 0, rest == 0, invariant(k, rest, aggregate), k <= j, held.entry(j) >= 0, monotone]
    step = [
        held.prefix(j) >= held.prefix(k),
        held.entry(j) >= 0,
        held.prefix(j + 1) == held.prefix(j) + held.entry(j),
    ]
    return [
        LoopCase(loop, "initiation", [held.prefix(zero) == 0, amount >= 0], invariant(zero, amount, start)),
        LoopCase(loop, "consecution", turn, kept),
        LoopCase(
            loop,
            "exit",
            [invariant(bound, rest, aggregate)],
            aggregate == start - minimum(amount, held.prefix(bound)),
        ),
        LoopCase(loop, "early-exit", early, given(j) == 0),
        LoopCase(loop, "prefixes-grow", step, held.prefix(j + 1) >= held.prefix(k)),
    ]


def _install_entries() -> list[LoopCase]:
    """install_claim_set's loop over the entries: it only reads, and its sum stays within 32 bits."""
    entries, k, so_far = _vector("entries"), z3.Int("k"), z3.Int("sum")
    top = 2**32 - 1

    def invariant(i: Term, value: Term) -> Term:
        return all_of([value == entries.prefix(i), value >= 0, value <= top])

    pages = entries.entry(k)
    passes = pages <= top - so_far
    turn = [invariant(k, so_far), pages >= 0, passes, entries.prefix(k + 1) == entries.prefix(k) + pages]
    refused = [
        invariant(k, so_far),
        pages >= 0,
        z3.Not(passes),
        entries.prefix(k + 1) == entries.prefix(k) + pages,
    ]
    zero = z3.IntVal(0)
    return [
        LoopCase("install-entries", "initiation", [entries.prefix(zero) == 0], invariant(zero, 0)),
        LoopCase("install-entries", "consecution", turn, invariant(k + 1, so_far + pages)),
        LoopCase("install-entries", "refused-only-beyond-32-bits", refused, entries.prefix(k + 1) > top),
    ]


def _cancel_all() -> list[LoopCase]:
    """cancel_all_node_claims: every node's claim is deducted from each aggregate; at the end no claim is left."""
    held, k = _vector("held"), z3.Int("k")
    node_claims, outstanding, start = z3.Ints("node_claims outstanding outstanding_at_start")
    total = z3.Int("node_claims_at_start")

    def invariant(i: Term, mine: Term, all_claims: Term) -> Term:
        done = held.prefix(i)
        return all_of([mine == total - done, all_claims == start - done])

    claim = held.entry(k)
    turn = [invariant(k, node_claims, outstanding), held.prefix(k + 1) == held.prefix(k) + claim]
    zero, bound = z3.IntVal(0), z3.Int("bound")
    ended = [invariant(bound, node_claims, outstanding), total == held.prefix(bound)]
    return [
        LoopCase("cancel-all-node-claims", "initiation", [held.prefix(zero) == 0], invariant(zero, total, start)),
        LoopCase(
            "cancel-all-node-claims",
            "consecution",
            turn,
            invariant(k + 1, node_claims - claim, outstanding - claim),
        ),
        LoopCase("cancel-all-node-claims", "exit", ended, all_of([node_claims == 0, outstanding == start - total])),
    ]


def loop_cases() -> list[LoopCase]:
    """All cases of all loops."""
    return [
        *_take_ascending("redeem-step-3", skips=True),
        *_take_ascending("recall-node-claims", skips=False),
        *_take_ascending("recall-global-claims", skips=False),
        *_install_entries(),
        *_cancel_all(),
    ]
