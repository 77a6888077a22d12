"""A reference with a known mistake, in this process: what a campaign against the model has to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofs.fuzz import hosts
from proofs.mistakes.planted import overridden
from reference.generations import GENERATIONS


def spoil(bug: str, patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Put the mistake into the reference that traces are done on; the model stays as it is."""
    patch(hosts, "GENERATIONS", dict(GENERATIONS) | overridden(bug))


if __name__ == "__main__":  # `python -m tests.fuzz.spoiled BUG ARGUMENTS...`: the command with the mistake
    import sys

    from proofs.cli.main import main

    spoil(sys.argv.pop(1))
    sys.argv[0] = "claimcheck"
    main()
