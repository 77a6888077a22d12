"""Ways to edit evidence, each with the field that has to be named when it is verified.

Every edit is made by somebody who also renews the digest. docs/evidence.md shows this list.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Data = dict[str, Any]


class Edit(NamedTuple):
    """What is edited, how, and what is named."""

    what: str
    make: Callable[[Data], object]
    named: str
    """How the name of a field that differs begins."""


REFUTED = "claim-sets-no-recall/node-backed"
OTHER = "claim-sets-no-recall/host-backed"
PROVED = "claim-sets/node-backed"
CONDITIONAL = "claim-sets-no-recall/node-backed+nothing-offlined"
OBLIGATION = "claim-sets/node-backed/alloc_heap_pages/parametric"


def entry(entries: list[Data], value: str, key: str = "name") -> Data:
    return next(e for e in entries if e[key] == value)


def cell(e: Data, name: str) -> Data:
    return entry(e["matrix"]["cells"], name)


def finding(e: Data, name: str = REFUTED) -> Data:
    return entry(e["findings"]["findings"], name)


def proof(e: Data) -> Data:
    return entry(e["obligations"]["results"], OBLIGATION)


def recording(e: Data) -> Data:
    return e["conformance"]["files"][0]


def statement(e: Data, name: str = "DS-20") -> Data:
    return entry(e["statements"]["statements"], name, "id")


def swap(e: Data) -> None:
    one, other = finding(e), finding(e, OTHER)
    for name in ("trace", "transitions"):
        one[name], other[name] = other[name], one[name]


def claim_of(e: Data) -> Data:
    return next(event for event in finding(e)["trace"] if event.get("op") == "install_claim_set")


def shorten(e: Data) -> None:
    found = finding(e)
    del found["trace"][-1], found["transitions"][-1]


def add_obligation(e: Data) -> None:
    e["obligations"]["results"].append(proof(e) | {"name": "claim-sets/node-backed/made_up/parametric"})


def forge_proof(e: Data) -> None:
    """A refuted cell made a proved one, its finding removed."""
    cell(e, REFUTED).update(verdict="proved", hosts=cell(e, PROVED)["hosts"], events=None)
    e["findings"]["findings"].remove(finding(e))


EDITS = [
    Edit("verdict of a cell: refuted made proved, its trace removed", forge_proof, f"matrix.cells[{REFUTED}].verdict"),
    Edit(
        "verdict of a cell: proved made unknown", lambda e: cell(e, PROVED).update(verdict="unknown"), "matrix.cells["
    ),
    Edit(
        "hosts that a proof is for",
        lambda e: cell(e, PROVED).update(hosts="at most 4 nodes and 4 domains"),
        f"matrix.cells[{PROVED}].hosts",
    ),
    Edit(
        "conditions of a cell dropped",
        lambda e: cell(e, CONDITIONAL).update(conditions=[]),
        f"matrix.cells[{CONDITIONAL}].conditions",
    ),
    Edit("length of a trace", lambda e: cell(e, REFUTED).update(events=2), f"matrix.cells[{REFUTED}].events"),
    Edit("a cell removed", lambda e: e["matrix"]["cells"].remove(cell(e, PROVED)), f"matrix.cells[{PROVED}]"),
    Edit(
        "verdict of an obligation",
        lambda e: proof(e).update(verdict="unknown"),
        f"obligations.results[{OBLIGATION}].verdict",
    ),
    Edit("an assumption of a proof", lambda e: proof(e)["assumptions"].pop(), "obligations.results["),
    Edit("a lemma of a proof", lambda e: proof(e)["lemmas"].append("made-up"), "obligations.results["),
    Edit("hash of an obligation", lambda e: proof(e).update(sha256="0" * 64), "obligations.results["),
    Edit("the solver's work", lambda e: proof(e).update(work=1), "obligations.results["),
    Edit(
        "an obligation removed",
        lambda e: e["obligations"]["results"].remove(proof(e)),
        f"obligations.results[{OBLIGATION}]",
    ),
    Edit("an obligation added", add_obligation, "obligations.results[claim-sets/node-backed/made_up/parametric]"),
    Edit("count of what is not applicable", lambda e: e["obligations"].update(not_applicable=1), "obligations.not_"),
    Edit("a step of a trace: its argument", lambda e: claim_of(e)["claims"][0].update(pages=0), "findings.findings["),
    Edit("a step of a trace: its result", lambda e: claim_of(e).update(result="ENOMEM"), "findings.findings["),
    Edit(
        "a step of a trace: a counter after it",
        lambda e: claim_of(e)["state"].update(outstanding_claims=0),
        "findings.findings[",
    ),
    Edit("the last step of a trace removed", shorten, f"findings.findings[{REFUTED}]"),
    Edit("two traces swapped", swap, "findings.findings["),
    Edit("the sum that breaks", lambda e: finding(e).update(broken=["1 <= 0"]), f"findings.findings[{REFUTED}].broken"),
    Edit(
        "what the reference finds broken",
        lambda e: finding(e).update(reference=[]),
        f"findings.findings[{REFUTED}].reference",
    ),
    Edit(
        "observations of a replay",
        lambda e: finding(e)["replay"].update(comparisons=1),
        f"findings.findings[{REFUTED}].replay.comparisons",
    ),
    Edit(
        "what comes of a trace where it is repaired",
        lambda e: finding(e)["repaired"].update(outcome="refused"),
        f"findings.findings[{REFUTED}].repaired.outcome",
    ),
    Edit("a transition of a trace", lambda e: finding(e)["transitions"].reverse(), "findings.findings["),
    Edit("a version", lambda e: e["run"]["versions"].update(z3="4.8.0"), "run.versions.z3"),
    Edit("a seed", lambda e: e["run"]["limits"].update({"obligations: seed": 7}), "run.limits.obligations: seed"),
    Edit("a limit", lambda e: e["run"]["limits"].update({"search: events": 99}), "run.limits.search: events"),
    Edit("the command", lambda e: e["run"].update(command="claimcheck report"), "run.command"),
    Edit("a generation left out", lambda e: e["run"]["semantics"].remove("claim-sets-no-recall"), "run.command"),
    Edit(
        "a conformance count",
        lambda e: recording(e).update(comparisons=recording(e)["comparisons"] + 1),
        "conformance.",
    ),
    Edit("hash of a recording", lambda e: recording(e).update(sha256="0" * 64), "conformance.files["),
    Edit("properties broken in a recording", lambda e: recording(e)["broken"].clear(), "conformance.files["),
    Edit("a section made not run", lambda e: e.update(conformance=NOT_RUN), "conformance.status"),
    Edit("verdict of a statement", lambda e: statement(e).update(verdict="proved"), "statements.statements[DS-20].v"),
    Edit("text of a statement", lambda e: statement(e).update(text="always"), "statements.statements[DS-20].text"),
    Edit(
        "proofs that bear on a statement",
        lambda e: statement(e)["obligations"][0].update(proved=99),
        "statements.statements[DS-20].obligations[node-backed].proved",
    ),
    Edit(
        "a statement removed",
        lambda e: e["statements"]["statements"].remove(statement(e)),
        "statements.statements[DS-20]",
    ),
    Edit("a promise", lambda e: cell(e, PROVED).update(promised=False), f"matrix.cells[{PROVED}].promised"),
]
NOT_RUN = {"status": "not run", "reason": "no recordings"}
