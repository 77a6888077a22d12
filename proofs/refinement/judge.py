"""A comparison that has no proof: refuted by a shortest trace after which the reference does the two differently."""

from proofs.matrix.judged import Judged
from proofs.prover.verdict import Verdict
from proofs.refinement.differences import Differences, Sought, Undecided
from proofs.refinement.replayed import replayed

DEPTH, NODES, DOMAINS = 6, 2, 2
WORK = 120_000_000
SEARCHED = ("legacy-compatible.host-wide", "legacy-compatible.one-node")
"""Where two calls are compared, and not two ways of counting."""


def judge_comparison(part: str, semantics: str, conditions: tuple[str, ...]) -> Judged:
    """Search for a difference, and do it on the reference."""
    if part not in SEARCHED:
        return Judged(Verdict.UNKNOWN, "counters alone have no trace")
    try:
        found = Differences(semantics, part, conditions, DEPTH, NODES, DOMAINS, WORK).search(Sought())
    except Undecided as reason:
        return Judged(Verdict.UNKNOWN, f"gave up: {reason}")
    if found is None:
        return Judged(
            Verdict.UNKNOWN, f"no difference behind at most {DEPTH} events on at most {NODES} nodes, {DOMAINS} domains"
        )
    done = replayed(found)
    if done.error:
        return Judged(Verdict.UNKNOWN, f"the reference does not reproduce the difference: {done.error}", done.trace)
    return Judged(Verdict.REFUTED, "", done.trace)
