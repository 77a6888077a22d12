"""docs/second-solver.md shows what was measured, and what was measured is what a run gives."""

import json

from bench import second_solver
from bench.blocks import renewed
from proofs.prover.verdict import Settings
from proofs.spacer.derive import derive
from proofs.spacer.target import targets

MEASURED = json.loads(second_solver.STORED.read_text())


def test_the_document_shows_what_was_measured() -> None:
    text = second_solver.DOCUMENT.read_text()
    assert renewed(text, second_solver.blocks(MEASURED)) == text, "run `python -m bench.second_solver --show`"


def test_nothing_measured_is_hidden() -> None:
    design = MEASURED["design"]
    assert design["asked"] == design["counts"]["questions"] > 2_500
    assert design["not_agreed"] == []
    assert design["counts"]["unsat"] + design["counts"]["sat"] == design["asked"]
    asked = [host for hosts, _ in second_solver.DERIVATIONS for host in hosts]
    larger = [host for hosts, _ in second_solver.LARGE for host in hosts]
    assert [f"{one['nodes']}x{one['domains']}" for one in MEASURED["invariants"]] in (asked, asked + larger)
    for one in MEASURED["invariants"]:
        proved = bool(one["certificates"]) and all(c["verdict"] == "proved" for c in one["certificates"])
        assert (one["verdict"] == "proved") == proved, one["name"]


def test_the_invariant_shown_is_the_one_that_is_found() -> None:
    (target,) = targets("claim-sets", ["node-backed", "host-backed", "aggregates-agree"], 1, 1)
    found = derive(target, Settings(cores=False), 60)
    shown = next(one for one in MEASURED["invariants"] if one["name"] == target.name)
    assert [c.text for c in found.spacers] == [c["text"] for c in shown["spacers"]]
