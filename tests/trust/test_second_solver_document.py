"""docs/second-solver.md shows what was measured, and what was measured is what a run gives."""

import json
import re

import pytest

from bench import second_solver
from docs._make.blocks import renewed
from model.named import GENERATIONS
from proofs.evidence.dated import fingerprint, is_older
from proofs.obligations.obligation import PARAMETRIC, bounded
from proofs.obligations.suite import property_ids, suite

MEASURED = json.loads(second_solver.STORED.read_text())


def test_document_shows_the_measurements() -> None:
    text = second_solver.DOCUMENT.read_text()
    assert renewed(text, second_solver.blocks(MEASURED)) == text, "run `python -m bench.second_solver --show`"


def test_document_shows_every_measurement() -> None:
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


def test_document_states_its_date_and_code_version() -> None:
    said = re.findall(r"Measured on (\S+), of (older|this) code", second_solver.DOCUMENT.read_text())
    assert said == [(MEASURED["made"], "older" if MEASURED["code"] != fingerprint() else "this")]
    assert "of older code" in second_solver.blocks({**MEASURED, "code": "other"})["solvers-of"]
    assert "of this code" in second_solver.blocks({**MEASURED, "code": fingerprint()})["solvers-of"]


def test_document_is_current_or_marked_as_older_code() -> None:
    """Counted without a solver: the obligations for any host and on 2x2, each of them at least one question."""
    shown = set(MEASURED["generations"]["by_generation"])
    assert shown <= set(GENERATIONS)
    obligations = suite(["claim-sets"], property_ids(), [PARAMETRIC, bounded(2, 2)])
    today = shown == set(GENERATIONS) and len(obligations) <= MEASURED["design"]["asked"]
    assert today or is_older(MEASURED)


@pytest.mark.long
def test_documented_invariant_is_the_one_found() -> None:
    """In a process of its own, as the command does: which of equal invariants is found depends on what went before.

    What was measured of older code may be another: the document says so, and what is found has to be certified.
    """
    (found,) = second_solver.asked("--derive", "1x1", "--property", "node-backed", "--jobs", "1")["invariants"]
    assert found["verdict"] == "proved"
    assert found["spacers"]
    assert {c["verdict"] for c in found["certificates"]} == {"proved"}
    shown = next((one for one in MEASURED["invariants"] if one["name"] == found["name"]), None)
    if shown is None or [c["text"] for c in found["spacers"]] != [c["text"] for c in shown["spacers"]]:
        assert is_older(MEASURED)


def _by_text(name: str, properties: str) -> tuple[set[str], set[str]]:
    """What Spacer has more, and of which invariants it has less."""
    (one,) = [i for i in MEASURED["invariants"] if i["name"].endswith(name) and f"/{properties}" in i["name"]]
    more = {c["text"] for c in one["spacers"] if c["implied"] != "proved"}
    return more, {c["invariant"] for c in one["by_hand"] if c["implied"] not in ("proved", "not applicable")}


def test_conclusions_match_the_measurements() -> None:
    assert _by_text("/2x2", "node-backed") == (set(), {"no-wrap.domain-counters"})
    assert "non-negative" in _by_text("/1x1", "node-backed")[1]
    for name, properties in (("/1x1", "entitlement+"), ("/2x1", "entitlement+"), ("/1x1", "entitlement-without-limbo")):
        more, less = _by_text(name, properties)
        assert more == {"is_created[0] or max_pages[0] <= 0"}
        assert {"node-backed", "host-backed", "aggregates-agree.host", "aggregates-agree.node"} <= less
