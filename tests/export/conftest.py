"""What every step of claim sets keeps is proved once in a run: it takes long, and several tests need it."""

from __future__ import annotations

import msgspec
import pytest

from model.named import GENERATIONS
from proofs.prover import induction
from tests.once import once_in_a_run

SHOWN = "claim-sets"


@pytest.fixture(autouse=True, scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Proved by the first worker that comes here."""
    found = once_in_a_run(
        tmp_path_factory, "kept.json", lambda: msgspec.json.encode(induction.kept_by_every_step(SHOWN))
    )
    induction._KEPT[SHOWN] = GENERATIONS[SHOWN], msgspec.json.decode(found, type=tuple[str, ...])
