"""A mistake in the reference that replaces points in which generations differ."""

from __future__ import annotations

import inspect
from typing import ClassVar

from reference.generation import Generation
from reference.generations import GENERATIONS
from reference.generations.claim_sets import ClaimSets


class Override(Generation):
    """What is overridden here is done wrong; the first line of the docstring says what."""

    @classmethod
    def sentence(cls) -> str:
        """What is done wrong."""
        return (inspect.getdoc(cls) or "").splitlines()[0]

    rule_of: ClassVar[tuple[str, ...]] = ()
    """The claim-set generations that have it as their rule."""

    @classmethod
    def fits(cls) -> list[str]:
        """The generations whose rules it spoils: those with claim sets that do not have it as their rule."""
        claim_sets = [name for name, semantics in GENERATIONS.items() if isinstance(semantics, ClaimSets)]
        own_recall = [n for n in claim_sets if type(GENERATIONS[n]).recall is not ClaimSets.recall]
        rule_of = (*cls.rule_of, *own_recall) if "recall" in vars(cls) else cls.rule_of
        return [name for name in claim_sets if name not in rule_of]
