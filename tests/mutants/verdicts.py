"""Verdicts on a mutant that something noticed."""

from __future__ import annotations

from proofs.evidence.mutants import Ending, MutantVerdict


def killed(by: str, what: str) -> MutantVerdict:
    """Some check noticed."""
    return MutantVerdict(Ending.KILLED, by, what)


def raised(by: str, where: str, error: BaseException) -> MutantVerdict:
    """Noticed, because the mutant raises what the right code never does."""
    return killed(by, f"{where}: {type(error).__name__}")
