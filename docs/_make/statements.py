"""docs/statements.md: every statement of the design with the verdict of the stored evidence. `make documents`."""

from __future__ import annotations

from docs._make.blocks import table
from proofs.evidence import statements
from proofs.evidence.answered import answered_questions
from proofs.evidence.judged import as_cell
from proofs.evidence.structure import Findings, Matrix, SkippedSection, Statement, StatementTest, StatementTests
from proofs.evidence.tested import PASSED
from proofs.matrix.verdicts import load


def judged() -> list[Statement]:
    """By the stored matrix, and by the stored traces, re-run.

    The tests that bear on statements count as passed: they are default tests, as is the one that compares the page.
    """
    tests = StatementTests(tests=[StatementTest(name, PASSED, 1) for name in statements.named_tests()])
    findings = Findings(findings=[], answers=answered_questions())
    cells = Matrix(cells=[as_cell(cell) for cell in load()])
    return statements.judged(cells, SkippedSection("not for this page"), tests, findings).statements


def shown() -> str:
    """A table: each statement, and its verdict with all that belongs to it."""
    return table(["id", "statement", "verdict"], [[s.id, s.text, statements.worded(s)] for s in judged()])
