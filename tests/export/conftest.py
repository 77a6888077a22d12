"""What claim sets list as kept by every step: tests/proofs proves that it is, and finding the rest takes long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model.named import GENERATIONS
from proofs.prover import induction

SHOWN = "claim-sets"


@pytest.fixture(autouse=True, scope="session")
def kept() -> Iterator[None]:
    """The list of the generation, in the place of the induction."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(induction._KEPT, SHOWN, (GENERATIONS[SHOWN], GENERATIONS[SHOWN].invariants))
        yield
