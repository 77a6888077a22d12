"""A mistake in the reference: an override of methods in which generations differ."""

from __future__ import annotations

import inspect
from typing import ClassVar

from reference.generation import Generation
from reference.generations import GENERATIONS
from reference.generations.claim_sets import ClaimSets


class Override(Generation):
    """Overrides rules with wrong ones; the first line of a subclass's docstring says what is wrong."""

    @classmethod
    def sentence(cls) -> str:
        """What is wrong, in one sentence."""
        return (inspect.getdoc(cls) or "").splitlines()[0]

    rule_of: ClassVar[tuple[str, ...]] = ()
    """The claim-set generations for which this is the right rule."""

    @classmethod
    def fits(cls) -> list[str]:
        """The generations with claim sets for which the rule is wrong."""
        claim_sets = [name for name, semantics in GENERATIONS.items() if isinstance(semantics, ClaimSets)]
        own_recall = [n for n in claim_sets if type(GENERATIONS[n]).recall is not ClaimSets.recall]
        rule_of = (*cls.rule_of, *own_recall) if "recall" in vars(cls) else cls.rule_of
        return [name for name in claim_sets if name not in rule_of]
