"""One page per generation: the pages show what is stored, and what is stored is consistent."""

from pathlib import Path

import pytest

from docs._make import pages
from docs._make.blocks import renewed
from docs._make.generations import DOCUMENTS, OF_A_RUN, of_cells
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
RUN_AGAIN = ("traces",)
"""Blocks for which every stored trace is run again, in the generation that repairs it."""
DIFFERING = [pair for pair in differences.neighbours() if differences.path_of(*pair).exists()]


def test_refuted_verdicts_and_traces_correspond() -> None:
    refuted = {path_of(cell.semantics, cell.row) for cell in CELLS if cell.verdict is Verdict.REFUTED}
    assert refuted == set(FOLDER.glob("*/*.jsonl"))


def test_every_row_of_every_generation_has_a_verdict() -> None:
    judged = {(cell.semantics, cell.row.part) for cell in CELLS}
    assert judged == {(name, row.part) for name in GENERATIONS for row in rows()}


def test_stored_matrix_reads_back_equal(tmp_path: Path) -> None:
    (tmp_path / "verdicts.json").write_text(dumped(CELLS), encoding="utf-8")
    assert [c.verdict for c in load(tmp_path / "verdicts.json")] == [c.verdict for c in CELLS]


@pytest.mark.parametrize("path", sorted(pages.PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_page_shows_the_stored_verdicts(path: Path) -> None:
    name = path.stem
    text = pages.page(name, CELLS) if name in GENERATIONS else pages.index(CELLS)
    assert path.read_text(encoding="utf-8") == text, "run make matrix"


def test_every_page_belongs_to_a_generation() -> None:
    assert {path.stem for path in pages.PAGES.glob("*.md")} == {*GENERATIONS, "README"}


REPAIRED_BY_NONE = {
    "single-node-v1",  # v2 checks any requested node, but that check wraps where claims exceed the free pages
    "legacy-redeem-at-alloc",  # mainline-4.22 adds the stash, single-node-v4 claims on nodes: neither repairs
    "mainline-4.22",  # the stash of per-node-v8 loses claims as well
}


def test_later_generations_repair_all_but_three_earlier_ones() -> None:
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


def test_no_other_row_is_unknown() -> None:
    assert {(cell.semantics, cell.row) for cell in CELLS if cell.verdict is Verdict.UNKNOWN} == UNKNOWN
    assert all(cell.reason for cell in CELLS if cell.verdict is Verdict.UNKNOWN)
    page = pages.page("claim-sets-no-recall", CELLS)
    assert "It repairs: `node-backed` (proved for any number of nodes and domains)" in page
    assert "offline_page" in page


def check_shown(document: Path, run_again: tuple[str, ...]) -> None:
    """The blocks are those of the stored cells; blocks for which traces are run again only if they are named."""
    text = document.read_text(encoding="utf-8")
    makers = of_cells(CELLS)
    left = [name for name in RUN_AGAIN if name not in run_again]
    shown = {name: make for name, make in makers.items() if name not in left}
    assert len(shown) == len(makers) - len(left)
    assert renewed(text, shown, others=(*OF_A_RUN, *left)) == text, "run make matrix"


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_document_shows_what_is_stored(document: Path) -> None:
    check_shown(document, ())


@pytest.mark.long
@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_document_shows_how_every_trace_ends(document: Path) -> None:
    check_shown(document, RUN_AGAIN)


@pytest.mark.parametrize("pair", DIFFERING, ids="--".join)
def test_generations_differ_at_the_last_event_of_a_trace(pair: tuple[str, str]) -> None:
    path = differences.path_of(*pair)
    assert [trace.header.semantics for trace in read_traces(path)] == list(pair)
    assert [replay_trace(trace).divergence for trace in read_traces(path)] == [None, None]


@pytest.mark.parametrize(
    "pair", [pytest.param(p, marks=() if p in QUICK else pytest.mark.long) for p in DIFFERING], ids="--".join
)
def test_fresh_search_finds_no_shorter_difference(pair: tuple[str, str]) -> None:
    path = differences.path_of(*pair)
    fresh = differences.found_between(*pair)
    assert measure(differences.lines_of(*pair, fresh)) == measure(path.read_bytes())
