"""The tables of docs/model.md and docs/proofs.md, from the registries, from a run and from measurements.

`python -m docs._make.proofs`, or with the documents named; a test compares.
"""

import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docs._make.blocks import Maker, Output, parser, table
from model.hosts.lemmas import all_lemmas
from model.named import GENERATIONS, TRANSITIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from model.state import FIELDS
from proofs.mistakes.catalogue import CATALOGUE
from proofs.mistakes.in_rules import RULES
from proofs.obligations.obligation import BOOT, EVERY_STATE, PARAMETRIC
from proofs.obligations.suite import property_ids, suite
from proofs.parallel import default_jobs
from proofs.prover.pool import run
from proofs.prover.report import rows
from proofs.prover.vacuity import vacuity
from proofs.prover.verdict import Result, Settings, Verdict
from proofs.search.minimise import Asked, search

DOCUMENTS = (Path("docs/model.md"), Path("docs/proofs.md"))
MEASURED = Path("bench/prove.json")
SEMANTICS_SHOWN = "claim-sets"

FINDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("entitlement", ()),
    ("entitlement", ("requests-within-limit",)),
    ("entitlement", ("requests-within-limit", "limit-not-lowered")),
    ("entitlement-without-limbo", ()),
    ("entitlement-without-limbo", ("limit-not-lowered",)),
    ("dead-hold-nothing", ()),
    ("aggregates-agree.host", ()),
    ("host-backed", ()),
    ("no-claims-lost", ("limit-not-lowered", "requests-within-limit")),
    ("no-claims-lost", ("limit-not-lowered", "requests-within-limit", "requests-within-claims")),
    ("offline-mark-kept", ()),
)
"""Searches: a property, and the conditions granted."""


def _fields() -> str:
    return table(
        ["field", "by", "lock", "C type", "meaning"],
        [[f"`{i.name}`", i.shape.value, i.lock or "(ghost)", i.c_type, i.meaning] for i in FIELDS.values()],
    )


def _transitions() -> str:
    return table(
        ["transition", "hypervisor", "locks, in order", "what it does"],
        [[f"`{t.name}`", f"`{t.function}`", ", ".join(t.locks), t.sentence] for t in TRANSITIONS.values()],
    )


def _properties() -> str:
    return table(
        ["property", "kind", "claim", "statements"],
        [
            [f"`{p.name}`", p.kind.value + (", supporting" if p.support else ""), p.sentence, " ".join(p.statements)]
            for p in PROPERTIES.values()
        ],
    )


def _conditions() -> str:
    return table(
        ["condition", "what it asks", "guards"],
        [[f"`{c.id}`", c.sentence, ", ".join(sorted(c.transitions))] for c in CONDITIONS.values()],
    )


def _lemmas() -> str:
    return table(["lemma", "says"], dict.fromkeys((f"`{x.name}`", x.sentence) for x in all_lemmas()))


@cache
def results() -> tuple[Result, ...]:
    """The parametric suite, with the assumptions each proof needs."""
    obligations = suite([SEMANTICS_SHOWN], property_ids(), [PARAMETRIC])
    found, interrupted = run(obligations, Settings(), default_jobs())
    if interrupted:
        raise KeyboardInterrupt
    return tuple(found)


def _verdicts() -> str:
    body = [[r[0], r[2], r[3], r[4], r[5], r[7]] for r in rows(list(results()))]
    text = table(["property", "verdict", "proved", "refuted", "unknown", "needs, beside itself"], body)
    counts = [sum(r.verdict is v for r in results()) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN)]
    return f"{text}\n\n{len(results())} obligations: {counts[0]} proved, {counts[1]} refuted, {counts[2]} unknown."


def _matrix() -> str:
    verdicts = {tuple(r.name.split("/")[1:3]): r.verdict for r in results() if r.claimed}
    shown_of = GENERATIONS[SEMANTICS_SHOWN]
    places = [BOOT, *shown_of.transitions, EVERY_STATE]
    spoken_of = {name.partition("+")[0] for name, _ in verdicts}
    shown = [p for p in PROPERTIES.values() if not p.support and p.name in spoken_of]
    body = []
    for number, prop in enumerate(shown, 1):
        name = "+".join([prop.name, *shown_of.conditions_of(prop)])
        marks = [str(verdicts[name, t].value) if (name, t) in verdicts else "-" for t in places]
        body.append([f"{number} `{prop.name}`" + (" (on conditions)" if "+" in name else ""), *marks])
    legend = {"proved": "+", "refuted": "REFUTED", "unknown": "?", "-": "."}
    header = ["transition", *(str(i) for i in range(1, len(shown) + 1))]
    turned = [[f"`{t}`", *(legend[row[i + 1]] for row in body)] for i, t in enumerate(places)]
    names = "\n".join(f"{row[0].split(' ', 1)[0]}. {row[0].split(' ', 1)[1]}" for row in body)
    return f"`+` proved for any host, `.` not applicable.\n\n{table(header, turned)}\n\n{names}"


def _vacuity() -> str:
    found = vacuity(SEMANTICS_SHOWN, default_jobs())
    text = table(
        ["transition", "obligations with a witness", "vacuous", "guards and updates needed", "missed by no property"],
        [
            [
                f"`{v.transition}`",
                str(v.satisfiable),
                str(len(v.vacuous)),
                str(len(v.needed)),
                ", ".join(label.removeprefix("guard:") for label in v.not_needed),
            ]
            for v in found
        ],
    )
    needed, missed = sum(len(v.needed) for v in found), sum(len(v.not_needed) for v in found)
    witnesses, vacuous = sum(v.satisfiable for v in found), sum(len(v.vacuous) for v in found)
    return (
        f"{text}\n\n{witnesses} obligations with a witness, {vacuous} vacuous; {needed} guards and updates needed,"
        f" {missed} missed by no property."
    )


def _traces(asked: Iterable[tuple[str, Asked]]) -> str:
    body = []
    for label, question in asked:
        trace = search(question).trace
        if trace is None:
            raise ValueError(f"{label}: no trace of {question.depth} events breaks {question.property}")
        steps = ", ".join(trace.transitions)
        body.append([label, f"`{question.property}`", str(len(trace.events)), str(trace.host["nodes"]), steps])
    return table(["", "breaks", "events", "pages of the nodes", "trace"], body)


def _findings() -> str:
    return _traces(
        (", ".join(f"`{a}`" for a in assumed) or "nothing", Asked(SEMANTICS_SHOWN, prop, assumed=assumed))
        for prop, assumed in FINDINGS
    ).replace("|  |", "| granted |", 1)


def _superpages() -> str:
    from proofs.search.fulfilled import parts_on_reference
    from proofs.search.on_reference import Tiny, search_reference

    body = []
    for part in parts_on_reference("superpage-fulfilled"):
        trace = search_reference(Tiny(SEMANTICS_SHOWN, part)).trace
        if trace is None:
            raise ValueError(f"{part} is not broken")
        steps = ", ".join(event["op"] for event in trace.events)
        pages = str(trace.host["nodes"])
        body.append([f"`{part}`", str(len(trace.events)), pages, steps, "; ".join(trace.broken)])
    return table(["broken", "events", "pages of the nodes", "trace", "then"], body)


def _mistakes() -> str:
    return _traces(
        (f"`{name}`: {CATALOGUE[name].sentence}", Asked(SEMANTICS_SHOWN, change.breaks, name, change.granted))
        for name, change in RULES.items()
    ).replace("|  |", "| mistake |", 1)


def _times() -> str:
    measured = json.loads(MEASURED.read_text())
    body = [
        [r["hosts"], str(r["obligations"]), str(r["unknown"]), f"{r['cpu']:.1f}", f"{r['wall']:.1f}"]
        for r in measured["runs"]
    ]
    return (
        f"{table(['hosts', 'obligations', 'unknown', 'CPU seconds', 'wall seconds'], body)}\n\n"
        f"z3 {measured['versions']['z3']}, Python {measured['versions']['python']}, {measured['jobs']} processes,"
        f" start-up included, no cache; load of the machine when measured: {measured['load']:.1f}."
    )


BLOCKS: dict[str, Maker] = {
    "fields": _fields,
    "transitions": _transitions,
    "properties": _properties,
    "conditions": _conditions,
    "lemmas": _lemmas,
    "verdicts": _verdicts,
    "matrix": _matrix,
    "vacuity": _vacuity,
    "findings": _findings,
    "superpages": _superpages,
    "mistakes": _mistakes,
    "times": _times,
}


def main(arguments: list[str]) -> int:
    """Write the documents."""
    options = parser("proofs", __doc__)
    options.add_argument("documents", nargs="*", type=Path, metavar="DOCUMENT", help="only these")
    given = options.parse_args(arguments)
    output = Output(given.check)
    for path in given.documents or DOCUMENTS:
        output.renew(path, BLOCKS)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
