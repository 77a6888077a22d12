"""Ways to edit evidence, each with the field that has to be named when it is verified.

Every edit is made by somebody who also renews the digest. docs/report.md shows this list.
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
OTHER = "claim-sets-no-recall/dead-hold-nothing"
PROVED = "claim-sets/node-backed"
CONDITIONAL = "claim-sets-no-recall/node-backed+nothing-offlined"
OBLIGATION = "claim-sets/node-backed/alloc_heap_pages/parametric"
PROOF = f"obligations.results[{OBLIGATION}]"
FOUND = f"findings.findings[{REFUTED}]"
FILE = "conformance.files[tests/data/conformance/claim-sets.jsonl.gz]"
ANSWER = "findings.answers[claim-sets/questions/release-refused]"
AGAINST = "statements.statements[DS-12].against"
NOT_RUN = {"status": "not run", "reason": "no recordings"}


def entry(entries: list[Data], value: str, key: str = "name") -> Data:
    return next(e for e in entries if e[key] == value)


def cell(e: Data, name: str) -> Data:
    return entry(e["matrix"]["cells"], name)


def finding(e: Data, name: str = REFUTED) -> Data:
    return entry(e["findings"]["findings"], name)


def proof(e: Data) -> Data:
    return entry(e["obligations"]["results"], OBLIGATION)


def recording(e: Data) -> Data:
    found: Data = e["conformance"]["files"][0]
    return found


def question(e: Data) -> Data:
    return entry(e["findings"]["answers"], "claim-sets/questions/release-refused")


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
        "verdict of a cell: proved made unknown",
        lambda e: cell(e, PROVED).update(verdict="unknown"),
        f"matrix.cells[{PROVED}].verdict",
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
        f"{PROOF}.verdict",
    ),
    Edit("an assumption of a proof", lambda e: proof(e)["assumptions"].pop(), f"{PROOF}.assumptions"),
    Edit("a lemma of a proof", lambda e: proof(e)["lemmas"].append("made-up"), f"{PROOF}.lemmas"),
    Edit("hash of an obligation", lambda e: proof(e).update(sha256="0" * 64), f"{PROOF}.sha256"),
    Edit("the solver's work", lambda e: proof(e).update(work=1), f"{PROOF}.work"),
    Edit(
        "an obligation removed",
        lambda e: e["obligations"]["results"].remove(proof(e)),
        PROOF,
    ),
    Edit("an obligation added", add_obligation, "obligations.results[claim-sets/node-backed/made_up/parametric]"),
    Edit(
        "count of what is not applicable",
        lambda e: e["obligations"].update(not_applicable=1000),
        "obligations.not_applicable",
    ),
    Edit(
        "a step of a trace: its argument",
        lambda e: claim_of(e)["claims"][0].update(pages=0),
        f"{FOUND}.replay.divergence",
    ),
    Edit("a step of a trace: its result", lambda e: claim_of(e).update(result="ENOMEM"), f"{FOUND}.replay.divergence"),
    Edit(
        "a step of a trace: a counter after it",
        lambda e: claim_of(e)["state"].update(outstanding_claims=0),
        f"{FOUND}.replay.divergence",
    ),
    Edit("two traces swapped", swap, f"{FOUND}.trace[0].source"),
    Edit("the violated inequality", lambda e: finding(e).update(broken=["1 <= 0"]), f"{FOUND}.broken"),
    Edit(
        "what the reference finds broken",
        lambda e: finding(e).update(reference=[]),
        f"{FOUND}.reference",
    ),
    Edit(
        "observations of a replay",
        lambda e: finding(e)["replay"].update(comparisons=1),
        f"{FOUND}.replay.comparisons",
    ),
    Edit(
        "how a trace ends where it is repaired",
        lambda e: finding(e)["repaired"].update(outcome="refused"),
        f"{FOUND}.repaired.outcome",
    ),
    Edit("a version", lambda e: e["run"]["versions"].update(z3="4.8.0"), "run.versions.z3"),
    Edit("a seed", lambda e: e["run"]["limits"].update({"obligations: seed": 7}), "run.limits.obligations: seed"),
    Edit("a limit", lambda e: e["run"]["limits"].update({"search: events": 99}), "run.limits.search: events"),
    Edit("the command", lambda e: e["run"].update(command="claimcheck report"), "run.command"),
    Edit("a generation left out", lambda e: e["run"]["semantics"].remove("claim-sets-no-recall"), "run.command"),
    Edit(
        "a conformance count",
        lambda e: recording(e).update(comparisons=recording(e)["comparisons"] + 1),
        f"{FILE}.comparisons",
    ),
    Edit("hash of a recording", lambda e: recording(e).update(sha256="0" * 64), f"{FILE}.sha256"),
    Edit("properties broken in a recording", lambda e: recording(e)["broken"].clear(), f"{FILE}.broken"),
    Edit("a section made not run", lambda e: e.update(conformance=NOT_RUN), "conformance.status"),
    Edit(
        "verdict of a statement",
        lambda e: statement(e).update(verdict="proved"),
        "statements.statements[DS-20].verdict",
    ),
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
    Edit("what speaks against a statement", lambda e: statement(e, "DS-12")["against"].clear(), AGAINST),
    Edit("what a trace contradicts", lambda e: question(e)["bears_on"].clear(), f"{ANSWER}.bears_on"),
    Edit("what a trace shows", lambda e: question(e).update(shows="nothing"), f"{ANSWER}.shows"),
    Edit(
        "a step of such a trace", lambda e: question(e)["trace"][-1].update(result="OK"), f"{ANSWER}.replay.divergence"
    ),
    Edit("such a trace removed", lambda e: e["findings"]["answers"].remove(question(e)), "findings.answers: names"),
    Edit("a promise", lambda e: cell(e, PROVED).update(promised=False), f"matrix.cells[{PROVED}].promised"),
]

OF_JUDGED = [
    Edit("the last step of a trace removed", shorten, f"{FOUND}.broken"),
    Edit("a transition of a trace", lambda e: finding(e)["transitions"].reverse(), f"{FOUND}.broken"),
]
"""Transitions are known of traces that were searched in the same run only."""
