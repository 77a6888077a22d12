"""Judges a comparison without proof: a shortest trace refutes it, after which the reference shows the difference."""

from proofs.prover.verdict import Verdict
from proofs.refinement.differences import DifferenceQuery, Differences, SolverLimitError
from proofs.refinement.replayed import replayed
from proofs.search.events import Trace
from proofs.search.row_verdict import RowVerdict

DEPTH, NODES, DOMAINS = 6, 2, 2
WORK = 120_000_000
SEARCHED = ("legacy-compatible.host-wide", "legacy-compatible.one-node")
"""The parts that compare two calls, not two ways of counting."""


def judge_comparison(part: str, semantics: str, conditions: tuple[str, ...]) -> RowVerdict:
    """The verdict: refuted with a trace, or unknown with the reason."""
    if part not in SEARCHED:
        return RowVerdict(Verdict.UNKNOWN, "counters alone have no trace")
    trace, reason = shortest_difference(part, semantics, conditions, DEPTH, NODES, DOMAINS)
    if reason:
        trace, _ = shortest_difference(part, semantics, conditions, DEPTH, 1, 1)
        if trace is not None:
            return RowVerdict(
                Verdict.REFUTED, "shortest on one node with one domain; larger hosts were too much", trace
            )
        return RowVerdict(Verdict.UNKNOWN, reason)
    if trace is None:
        bound = f"at most {DEPTH} events on at most {NODES} nodes and {DOMAINS} domains"
        return RowVerdict(Verdict.UNKNOWN, f"no difference within {bound}")
    return RowVerdict(Verdict.REFUTED, "", trace)


def shortest_difference(
    part: str, semantics: str, conditions: tuple[str, ...], depth: int, nodes: int, domains: int
) -> tuple[Trace | None, str]:
    """A trace that the reference reproduces, with the differences; or None, and why the search did not end."""
    try:
        found = Differences(semantics, part, conditions, depth, nodes, domains, WORK).search(DifferenceQuery())
    except SolverLimitError as reason:
        return None, f"gave up: {reason}"
    if found is None:
        return None, ""
    done = replayed(found)
    if done.error:
        return None, f"the reference does not reproduce the difference: {done.error}"
    return done.trace, ""
