"""What every step of claim sets keeps: finding it takes long, so that only a long test of test_c_export.py does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model.named import GENERATIONS
from proofs.prover import induction

SHOWN = "claim-sets"
ALSO_KEPT = "node-claims-within"
"""In addition to what the generation lists."""


@pytest.fixture(autouse=True, scope="session")
def kept() -> Iterator[None]:
    """In the place of the induction."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(induction._KEPT, SHOWN, (GENERATIONS[SHOWN], (*GENERATIONS[SHOWN].invariants, ALSO_KEPT)))
        yield
