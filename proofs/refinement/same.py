"""Whether two generations are proved never to differ: their rules differ only in how claims are counted."""

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.explain.source import rule_changes
from proofs.obligations.suite import lacking, places
from proofs.prover.induction import induction, shown

COUNTING = frozenset({"keeps_total", "folds_legacy"})
"""Rules about bookkeeping, in which the two sides of the comparison of derived counters differ."""
PART = "legacy-compatible.derived-counters"


def never_differ(before: str, after: str) -> bool:
    """Whether the same calls always give the same results and corresponding counters, on any host."""
    changed = {change.rule for change in rule_changes(before, after)}
    return changed <= COUNTING and all(_counts_the_same(name) for name in (before, after))


def _counts_the_same(semantics: str) -> bool:
    if lacking(PROPERTIES[PART], GENERATIONS[semantics]):
        return True
    kept = induction(semantics)
    return all(
        shown(kept.question(PART, place)) is not None for place in places(PROPERTIES[PART], GENERATIONS[semantics])
    )
