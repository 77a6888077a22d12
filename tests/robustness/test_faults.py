"""The list of faults that the document shows is what the tests do."""

import re
from pathlib import Path

from tests.robustness.faults import FAULTS

ROOT = Path(__file__).parent.parent


def test_every_fault_has_its_test() -> None:
    texts = [
        path.read_text(encoding="utf-8") for folder in ("robustness", "matrix") for path in (ROOT / folder).glob("*.py")
    ]
    there = {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    assert {fault.test for fault in FAULTS.values()} <= there


def test_every_row_of_the_document_has_a_test() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "robustness").glob("test_*.py")]
    compared = {name for text in texts for name in re.findall(r'said\("([\w-]+)"\)', text)}
    assert {name for name, fault in FAULTS.items() if fault.says} <= compared
