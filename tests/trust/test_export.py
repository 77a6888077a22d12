"""Exported obligations stand for themselves: each in its file, with the hash of its text and the answer that is expected."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs.cli.cross_check import CrossCheckReport
from proofs.exit_codes import INCOMPLETE, OK, REFUTED
from proofs.export.pytest_test import pytest_test
from proofs.obligations.obligation import PARAMETRIC, Obligation, bounded
from proofs.obligations.suite import property_ids, suite
from proofs.prover.cross_check import CrossCheckResult
from proofs.prover.export import export, file_name
from proofs.prover.second_solver import SolverAnswer
from proofs.prover.verdict import Settings

PROMISED = Obligation("claim-sets", "node-backed", "alloc_heap_pages", PARAMETRIC)
EXPECTED = "(set-info :status unsat)"


def test_unsat_is_expected_only_of_promises(tmp_path: Path) -> None:
    others = [
        replace(PROMISED, claimed=False, property="entitlement", transition="set_max_pages"),
        replace(PROMISED, mutation="no-recall", transition="offline_page"),
    ]
    texts = [path.read_text() for path in export([PROMISED, *others], str(tmp_path))]
    assert [EXPECTED in text for text in texts] == [True, False, False]


def test_hash_is_of_the_exported_text(tmp_path: Path) -> None:
    (path,) = export([PROMISED], str(tmp_path))
    text = path.read_text()
    (said,) = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith("; sha256 of what follows")]
    assert said == hashlib.sha256(text.partition(f"{EXPECTED}\n")[2].encode()).hexdigest()


def test_every_obligation_has_its_own_file() -> None:
    obligations = suite(["claim-sets", "claim-sets-v3"], property_ids(), [PARAMETRIC, bounded(2, 2), bounded(3, 2)])
    names = {obligation.name for obligation in obligations}
    assert len({file_name(o) for o in obligations}) == len(names) > 1000


def crossed(expected: str, z3: str, cvc5: str) -> CrossCheckResult:
    return CrossCheckResult("name", "", expected, SolverAnswer(z3, 0.1), SolverAnswer(cvc5, 0.1))


def test_cross_check_without_all_queries_is_incomplete() -> None:
    agree, disagree = crossed("unsat", "unsat", "unsat"), crossed("unsat", "unsat", "sat")
    undecided, alone = crossed("unsat", "unsat", "unknown"), crossed("unknown", "unknown", "sat")
    ends = {
        OK: [([agree], 1), ([agree, alone], 2), ([], 0)],
        INCOMPLETE: [([agree], 2), ([agree, undecided], 2), ([], 1)],
        REFUTED: [([agree, disagree], 2), ([disagree, undecided], 3)],
    }
    for code, cases in ends.items():
        for found, asked in cases:
            assert CrossCheckReport(found, asked, Settings()).code() == code
    for one in (crossed("sat", "unsat", "unsat"), crossed("unsat", "sat", "unsat"), disagree):
        assert one.outcome == "disagree"


def test_exported_test_fails_if_the_trace_changes(tmp_path: Path) -> None:
    lines = Path("tests/data/examples/redeem.jsonl").read_bytes().splitlines()
    others = {"state": lines[2].replace(b'"total_avail_pages":8', b'"total_avail_pages":7'), "no": lines[2]}
    for what, line in others.items():
        names: dict[str, Any] = {}
        exec(pytest_test("trace", "made", [*lines[:2], line, *lines[3:]], []), names)
        if what == "no":
            names["test_trace"](tmp_path)
        else:
            with pytest.raises(AssertionError, match="total_avail_pages"):
                names["test_trace"](tmp_path)
    exec(pytest_test("trace", "made", lines, ["node-backed"]), names)
    with pytest.raises(AssertionError):
        names["test_trace"](tmp_path)
