"""The tables in the documents are what a run gives."""

from pathlib import Path

import pytest

from model.semantics import MUTATIONS
from proofs.prover.documents import DOCUMENTS, MISTAKES, brought_up_to_date


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_is_up_to_date(name: str) -> None:
    text = Path(name).read_text()
    assert "<!-- generated: " in text
    assert text == brought_up_to_date(text), "run: python -m proofs.prover.documents"


def test_every_mistake_is_shown() -> None:
    assert set(MISTAKES) == set(MUTATIONS)
