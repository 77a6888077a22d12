"""The tests that bear on statements of the design, run by pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from proofs.evidence.request import CHECKOUT, EvidenceRequest
from proofs.evidence.structure import Outcome, SkippedSection, StatementTest, StatementTests

PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
MISSING: Final = "missing"


def run_tests(request: EvidenceRequest, ids: list[str]) -> StatementTests | SkippedSection:
    """Every test named, its cases counted together; one failed case fails it."""
    if find_spec("pytest") is None or not (CHECKOUT / "tests").is_dir():
        return SkippedSection("needs a checkout with its tests, and pytest")
    started = time.perf_counter()
    request.progress("tests", 0, len(ids))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *ids]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_CORE_"))}
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        if not report.exists():
            return SkippedSection(
                f"pytest ended with {ended.returncode}: {(ended.stdout + ended.stderr).strip()[-300:]}"
            )
        outcomes = _outcomes(ElementTree.parse(report).getroot())
    found = [StatementTest(name, *_together(outcomes.get(name, []))) for name in ids]
    return StatementTests(tests=found, seconds=time.perf_counter() - started)


def _outcomes(report: ElementTree.Element) -> dict[str, list[Outcome]]:
    """Of each test the outcome of every case."""
    found: dict[str, list[Outcome]] = {}
    for case in report.iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
        bad = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped") is not None
        found.setdefault(name, []).append(FAILED if bad else SKIPPED if skipped else PASSED)
    return found


def _together(outcomes: list[Outcome]) -> tuple[Outcome, int]:
    for outcome in (FAILED, SKIPPED, PASSED):
        if outcome in outcomes:
            return outcome, len(outcomes)
    return MISSING, 0
