"""The tables of docs/refinement.md, from a run: `make refinement`."""

import sys
from functools import cache
from pathlib import Path

from docs._make.blocks import Maker, table, write_documents
from model.named import GENERATIONS
from model.properties import PROPERTIES, Kind
from model.properties.comparison import Comparison, Premise
from proofs.matrix.rows import DESIGN, OTHERWISE
from proofs.obligations.suite import lacking, places
from proofs.prover.induction import induction, shown
from proofs.prover.verdict import Verdict
from proofs.refinement.calls import WRITTEN
from proofs.refinement.differences import DEPTH, CallDifference, DifferenceQuery, Differences
from proofs.refinement.exactly import exactly
from proofs.refinement.judge import SEARCHED, judge_comparison
from proofs.refinement.premises import premises
from proofs.refinement.replayed import replayed

DOCUMENT = Path("docs/refinement.md")
NO_EVENT = "not searched: no single event is this call"
UNBACKED = "claim-sets-no-recall"
"""Where claims may exceed free pages: what cannot be in the design is looked for here."""


def _parts() -> list[str]:
    return [p.name for p in PROPERTIES.values() if p.kind is Kind.COMPARISON]


@cache
def _not_shown(semantics: str, part: str, conditions: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The calls for which there is no proof for any host."""
    kept = induction(semantics, conditions)
    where = places(PROPERTIES[part], GENERATIONS[semantics])
    return tuple(place for place in where if shown(kept.question(part, place)) is None)


def _compared() -> str:
    body = []
    for part in _parts():
        for name, semantics in GENERATIONS.items():
            if not lacking(PROPERTIES[part], semantics):
                of, missing = len(places(PROPERTIES[part], semantics)), _not_shown(name, part)
                rest = ", ".join(f"`{place}`" for place in missing)
                if missing and not _not_shown(name, part, OTHERWISE):
                    rest += f" (proved if {' and '.join(OTHERWISE)})"
                body.append([f"`{part}`", f"`{name}`", str(of), str(of - len(missing)), rest])
    return table(
        ["comparison", "generation", "calls compared", "calls proved equal for any host", "calls not proved"], body
    )


def _differences() -> str:
    body = []
    for part in SEARCHED:
        for comparison, premise in premises(part, DESIGN):
            found = None
            for semantics in (DESIGN, UNBACKED):
                how = exactly(semantics, part, comparison.transition, premise.name)
                written = comparison.transition in WRITTEN
                if not how.never and written:
                    found = Differences(semantics, part).search(DifferenceQuery(comparison.transition, premise.name))
                there = "both refuse" if how.refused else "always" if how.always else "sometimes"
                if found is not None:
                    body.append([*_line(semantics, comparison, premise), there, *_shown(found)])
                    break
                if semantics == DESIGN:
                    searched = (
                        f"none of at most {DEPTH} events" if written else "not searched: no single event is this call"
                    )
                    said = ["the premise always holds", ""] if how.never else [there, searched]
                    body.append([*_line(semantics, comparison, premise), *said, ""])
    header = [
        "generation",
        "call",
        "compared with",
        "premise",
        "without it they differ",
        "shortest trace",
        "difference (call / compared with)",
    ]
    return table(header, body)


def _line(semantics: str, comparison: Comparison, premise: Premise) -> list[str]:
    return [f"`{semantics}`", comparison.one, comparison.other, premise.sentence]


def _shown(found: CallDifference) -> list[str]:
    done = replayed(found)
    if done.error:
        raise ValueError(f"{found.transition} without {found.without}: {done.error}")
    steps = ", ".join(event["op"] for event in done.trace.events)
    return [f"{steps} (pages: {found.before.host['nodes']})", "; ".join(done.differs)]


def _elsewhere() -> str:
    body = []
    for part in SEARCHED:
        for name, semantics in GENERATIONS.items():
            if not lacking(PROPERTIES[part], semantics) and _not_shown(name, part):
                judged = judge_comparison(part, name, ())
                if judged.verdict is Verdict.UNKNOWN:
                    body.append([f"`{name}`", f"`{part}`", "unknown", judged.reason])
                    continue
                if judged.trace is None:
                    raise ValueError(f"{name}: {part} is neither proved nor refuted: {judged.reason}")
                steps = ", ".join(event["op"] for event in judged.trace.events)
                body.append([f"`{name}`", f"`{part}`", steps, judged.trace.broken[-1]])
    return table(["generation", "comparison", "shortest trace", "difference"], body)


BLOCKS: dict[str, Maker] = {
    "compared": _compared,
    "differences": _differences,
    "elsewhere": _elsewhere,
}


def main(arguments: list[str]) -> int:
    """Write the document."""
    return write_documents("refinement", __doc__, arguments, [DOCUMENT], lambda: BLOCKS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
