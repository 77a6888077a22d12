"""A page a generation: what the pages show is what is stored, and what is stored is consistent."""

from pathlib import Path

import pytest

from docs._make import pages
from docs._make.blocks import renewed
from docs._make.generations import DOCUMENT, OF_A_RUN, of_cells
from model.named import GENERATIONS
from proofs.matrix import differences
from proofs.matrix.findings import FOLDER, measure, path_of
from proofs.matrix.report import repairs
from proofs.matrix.rows import MatrixRow, rows
from proofs.matrix.verdicts import dumped, load
from proofs.prover.verdict import Verdict
from proofs.replay import replay_trace
from proofs.traces import read_traces

CELLS = load()
QUICK = [
    ("legacy-redeem-at-assign", "single-node-v1"),
    ("claim-sets", "claim-sets-hardened"),
    ("claim-sets-v3", "per-node-v8"),
]
DIFFERING = [pair for pair in differences.neighbours() if differences.path_of(*pair).exists()]


def test_every_refuted_verdict_has_its_trace_and_every_trace_its_verdict() -> None:
    refuted = {path_of(cell.semantics, cell.row) for cell in CELLS if cell.verdict is Verdict.REFUTED}
    assert refuted == set(FOLDER.glob("*/*.jsonl"))


def test_there_is_a_verdict_on_every_row_of_every_generation() -> None:
    judged = {(cell.semantics, cell.row.part) for cell in CELLS}
    assert judged == {(name, row.part) for name in GENERATIONS for row in rows()}


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "verdicts.json").write_text(dumped(CELLS), encoding="utf-8")
    assert [c.verdict for c in load(tmp_path / "verdicts.json")] == [c.verdict for c in CELLS]


@pytest.mark.parametrize("path", pages.pages([]), ids=lambda path: path.stem)
def test_the_page_shows_what_is_stored(path: Path) -> None:
    name = path.stem
    text = pages.page(name, CELLS) if name in GENERATIONS else pages.index(CELLS)
    assert path.read_text(encoding="utf-8") == text, "run make matrix"


def test_there_are_no_other_pages() -> None:
    assert {path.stem for path in pages.PAGES.glob("*.md")} == {*GENERATIONS, "README"}


REPAIRED_BY_NONE = {
    "single-node-v1",  # v2 checks any node asked for, but that check wraps where claims exceed the free pages
    "legacy-redeem-at-alloc",  # mainline-4.22 adds the stash, single-node-v4 claims on nodes: neither repairs
    "mainline-4.22",  # the stash of per-node-v8 loses claims as well
}


def test_each_generation_before_claim_sets_is_repaired_by_one_that_follows_but_three() -> None:
    found = {(repair.before, repair.after) for repair in repairs(CELLS)}
    before_claim_sets = set(list(GENERATIONS)[: list(GENERATIONS).index("claim-sets")])
    assert before_claim_sets - {before for before, _after in found} == REPAIRED_BY_NONE
    assert {("single-node-v2", "single-node-v3"), ("claim-sets-no-recall", "claim-sets")} <= found


UNKNOWN = {
    # release_for_destroyed leaves a claim on a node in node_outstanding_claims: the bound is kept by no induction.
    *(
        (f"single-node-v{version}", MatrixRow("no-wrap.host-counters", conditions))
        for version in (1, 2, 3)
        for conditions in ((), ("nothing-offlined",))
    ),
    # The search gave up.
    ("claim-sets", MatrixRow("legacy-compatible.host-wide")),
    ("claim-sets-v3", MatrixRow("legacy-compatible.host-wide")),
    # No proof without host-backed, and no trace of at most 7 events.
    ("claim-sets-v7", MatrixRow("claims-fulfilled.granted")),
    ("claim-sets-v7", MatrixRow("atomic-install.own-claims-credited")),
}


def test_nothing_else_is_unknown() -> None:
    assert {(cell.semantics, cell.row) for cell in CELLS if cell.verdict is Verdict.UNKNOWN} == UNKNOWN
    assert all(cell.reason for cell in CELLS if cell.verdict is Verdict.UNKNOWN)
    page = pages.page("claim-sets-no-recall", CELLS)
    assert "It repairs: `node-backed` (proved for any number of nodes and domains)" in page
    assert "offline_page" in page


def test_the_document_shows_what_is_stored() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text, of_cells(CELLS), others=OF_A_RUN) == text, "run make matrix"


@pytest.mark.parametrize("pair", DIFFERING, ids="--".join)
def test_two_generations_differ_at_the_last_event_of_their_trace(pair: tuple[str, str]) -> None:
    path = differences.path_of(*pair)
    assert [trace.header.semantics for trace in read_traces(path)] == list(pair)
    assert [replay_trace(trace).divergence for trace in read_traces(path)] == [None, None]


@pytest.mark.parametrize(
    "pair", [pytest.param(p, marks=() if p in QUICK else pytest.mark.long) for p in DIFFERING], ids="--".join
)
def test_a_fresh_search_finds_no_shorter_difference(pair: tuple[str, str]) -> None:
    path = differences.path_of(*pair)
    fresh = differences.found_between(*pair)
    assert measure(differences.lines_of(*pair, fresh)) == measure(path.read_bytes())
