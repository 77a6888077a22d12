"""The tables of docs/model.md, docs/proofs.md and docs/proofs-tables.md: from registries, a run and measurements.

`python -m docs._make.proofs`, or with the documents named; a test compares.
"""

import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docs._make.blocks import Maker, Output, parser, table
from model.generations.parts import PARTS
from model.hosts.lemmas import all_lemmas
from model.named import GENERATIONS, TRANSITIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from model.state import FIELDS
from proofs.evidence.dated import measured_on
from proofs.matrix.verdicts import load
from proofs.mistakes.catalogue import CATALOGUE
from proofs.mistakes.in_rules import RULES
from proofs.obligations.mistaken_parts import REFUTED_BY
from proofs.obligations.mistaken_statements import NOTICED_BY
from proofs.obligations.obligation import BOOT, EVERY_STATE, PARAMETRIC
from proofs.obligations.suite import property_ids, suite
from proofs.parallel import default_jobs
from proofs.prover.pool import run
from proofs.prover.report import rows
from proofs.prover.vacuity import vacuity
from proofs.prover.verdict import Result, Settings, Verdict
from proofs.refinement.premises import notes
from proofs.search.minimise import SearchRequest, search
from proofs.search.row_verdict import ANY_HOST

DOCUMENTS = (Path("docs/model.md"), Path("docs/proofs.md"), Path("docs/proofs-tables.md"))
MEASURED = Path("bench/prove.json")
SEMANTICS_SHOWN = "claim-sets"

FINDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("entitlement", ()),
    ("entitlement", ("requests-within-limit",)),
    ("entitlement", ("requests-within-limit", "limit-not-lowered")),
    ("entitlement", ("requests-within-limit", "no-claim-in-flight")),
    ("entitlement", ("limit-not-lowered", "no-claim-in-flight")),
    ("entitlement-without-limbo", ()),
    ("entitlement-without-limbo", ("limit-not-lowered",)),
    ("entitlement-without-limbo", ("no-claim-in-flight",)),
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
        ["field", "one per", "lock", "C type", "meaning"],
        [[f"`{i.name}`", i.shape.value, i.lock or "(ghost)", i.c_type, i.meaning] for i in FIELDS.values()],
    )


def _transitions() -> str:
    return table(
        ["transition", "function of the hypervisor", "locks, in order", "what it does"],
        [[f"`{t.name}`", f"`{t.function}`", ", ".join(t.locks), t.sentence] for t in TRANSITIONS.values()],
    )


def _properties() -> str:
    return table(
        ["property", "kind", "claim", "statements of the design"],
        [
            [f"`{p.name}`", p.kind.value + (", supporting" if p.support else ""), p.sentence, " ".join(p.statements)]
            for p in PROPERTIES.values()
        ],
    )


def _conditions() -> str:
    return table(
        ["condition", "what callers must keep", "transitions that it restricts"],
        [[f"`{c.id}`", c.sentence, ", ".join(sorted(c.transitions))] for c in CONDITIONS.values()],
    )


def _lemmas() -> str:
    return table(["lemma", "statement"], dict.fromkeys((f"`{x.name}`", x.sentence) for x in all_lemmas()))


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
    text = table(["property", "verdict", "proved", "refuted", "unknown", "other invariants that the proofs need"], body)
    counts = [sum(r.verdict is v for r in results()) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN)]
    said = f"{len(results())} obligations: {counts[0]} proved, {counts[1]} refuted, {counts[2]} unknown."
    return "\n\n".join([text, *notes((name, SEMANTICS_SHOWN) for name in PROPERTIES if name in text), said])


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
        body.append([f"{number} `{prop.name}`" + _on(shown_of.conditions_of(prop)), *marks])
    legend = {"proved": "+", "refuted": "REFUTED", "unknown": "?", "-": "."}
    header = ["transition", *(str(i) for i in range(1, len(shown) + 1))]
    turned = [[f"`{t}`", *(legend[row[i + 1]] for row in body)] for i, t in enumerate(places)]
    names = "\n".join(f"{row[0].split(' ', 1)[0]}. {row[0].split(' ', 1)[1]}" for row in body)
    legend_shown = "`+`: proved for any host. `?`: unknown. `.`: not applicable. The columns are these properties:"
    return f"{legend_shown}\n\n{names}\n\n{table(header, turned)}"


def _on(conditions: tuple[str, ...]) -> str:
    return f" if {' and '.join(conditions)}" if conditions else ""


def _vacuity() -> str:
    found = vacuity(SEMANTICS_SHOWN, default_jobs())
    text = table(
        [
            "transition",
            "obligations with a witness",
            "vacuous",
            "guards and updates needed",
            "guards that no property needs",
        ],
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
        f" {missed} that no property needs."
    )


def _traces(asked: Iterable[tuple[str, SearchRequest]]) -> str:
    body = []
    for label, question in asked:
        trace = search(question).trace
        if trace is None:
            raise ValueError(f"{label}: no trace of {question.depth} events violates {question.property}")
        steps = ", ".join(trace.transitions)
        body.append([label, f"`{question.property}`", str(len(trace.events)), str(trace.host["nodes"]), steps])
    return table(["", "violates", "events", "pages of each node", "trace"], body)


def _findings() -> str:
    return _traces(
        (", ".join(f"`{a}`" for a in assumed) or "nothing", SearchRequest(SEMANTICS_SHOWN, prop, assumed=assumed))
        for prop, assumed in FINDINGS
    ).replace("|  |", "| conditions kept |", 1)


def _proved_on() -> str:
    """The rows of the matrix that are proved for any host, by the conditions that they need."""
    found: dict[tuple[str, ...], list[str]] = {}
    for cell in load():
        prop = PROPERTIES.get(cell.row.part)
        promised_on = () if prop is None else GENERATIONS[SEMANTICS_SHOWN].conditions_of(prop)
        of_design = cell.semantics == SEMANTICS_SHOWN and cell.verdict is Verdict.PROVED and cell.reason == ANY_HOST
        if of_design and cell.row.conditions in ((), promised_on):
            found.setdefault(cell.row.conditions, []).append(f"`{cell.row.part}`")
    lines = [
        f"- {'If ' + ' and '.join(f'`{c}`' for c in conditions) if conditions else 'Without conditions'},"
        f" {', '.join(names)} {'is' if len(names) == 1 else 'are'} proved."
        for conditions, names in sorted(found.items())
    ]
    premises = notes((name.strip("`"), SEMANTICS_SHOWN) for names in found.values() for name in names)
    return "\n\n".join(["\n".join(lines), *premises])


def _superpages() -> str:
    from proofs.search.fulfilled import parts_on_reference
    from proofs.search.on_reference import ReferenceSearchRequest, search_reference

    body = []
    for part in parts_on_reference("superpage-fulfilled"):
        trace = search_reference(ReferenceSearchRequest(SEMANTICS_SHOWN, part)).trace
        if trace is None:
            raise ValueError(f"{part} is not violated")
        steps = ", ".join(event["op"] for event in trace.events)
        pages = str(trace.host["nodes"])
        body.append([f"`{part}`", str(len(trace.events)), pages, steps, "; ".join(trace.broken)])
    return table(["violated", "events", "pages of each node", "trace", "what happens"], body)


def _mistakes() -> str:
    return _traces(
        (f"`{name}`: {CATALOGUE[name].sentence}", SearchRequest(SEMANTICS_SHOWN, change.breaks, name, change.granted))
        for name, change in RULES.items()
    ).replace("|  |", "| mistake |", 1)


def _parts() -> str:
    body = []
    for part, refuted in REFUTED_BY.items():
        place = refuted.place if not refuted.without else f"{refuted.place}, without `{refuted.without}`"
        body.append([f"`{part}`", f"`{refuted.mistake}`", CATALOGUE[refuted.mistake].sentence, refuted.shown_in, place])
    return table(["part", "mistake", "what is wrong", "generation", "transition"], body)


def _statements() -> str:
    body = []
    for name, noticed in NOTICED_BY.items():
        sentence = PARTS[noticed.mistake][0] if noticed.locks else CATALOGUE[noticed.mistake].sentence
        by = f"`{noticed.part}`, at {noticed.of_part().place}" if noticed.part else ""
        by = by or (f"the recording, trace {noticed.seed}" if noticed.seed else "")
        by = by or (f"`lock-order`, at {noticed.locks}" if noticed.locks else f"`{noticed.test.rpartition('::')[2]}`")
        body.append([name, f"`{noticed.mistake}`: {sentence[0].upper()}{sentence[1:].rstrip('.')}.", by])
    return table(["statement", "mistake", "noticed by"], body)


def _times() -> str:
    measured = json.loads(MEASURED.read_text())
    body = [
        [r["hosts"], str(r["obligations"]), str(r["unknown"]), f"{r['cpu']:.1f}", f"{r['wall']:.1f}"]
        for r in measured["runs"]
    ]
    return (
        f"{measured_on(measured, 'python -m bench.prove')}\n\n"
        f"{table(['hosts', 'obligations', 'unknown', 'processor seconds', 'seconds by the clock'], body)}\n\n"
        f"z3 {measured['versions']['z3']}, Python {measured['versions']['python']}, {measured['jobs']} processes,"
        f" start-up included, no cache. Load average of the machine: {measured['load']:.1f}."
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
    "proved-on": _proved_on,
    "mistakes": _mistakes,
    "parts": _parts,
    "statements": _statements,
    "times": _times,
}
CHEAP = ("fields", "transitions", "properties", "conditions", "lemmas", "parts", "statements", "proved-on", "times")
"""The blocks that need no solver."""


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
