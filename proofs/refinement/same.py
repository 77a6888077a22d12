"""Whether two generations are shown never to differ: the same rules but for how claims are counted, and that proved."""

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.explain.source import rule_changes
from proofs.obligations.suite import lacking, places
from proofs.prover.induction import induction, shown

COUNTING = frozenset({"keeps_total", "folds_legacy"})
"""Rules that are about bookkeeping: the comparison of derived counters is with and without them."""
PART = "legacy-compatible.derived-counters"


def never_differ(before: str, after: str) -> bool:
    """On any host, with the same calls: the same answers, and counters that stand for each other."""
    changed = {change.rule for change in rule_changes(before, after)}
    return changed <= COUNTING and all(_counts_the_same(name) for name in (before, after))


def _counts_the_same(semantics: str) -> bool:
    if lacking(PROPERTIES[PART], GENERATIONS[semantics]):
        return True
    kept = induction(semantics).kept
    return all(
        shown(semantics, PART, place, (), kept) is not None
        for place in places(PROPERTIES[PART], GENERATIONS[semantics])
    )
