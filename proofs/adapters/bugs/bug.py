"""What a mistake is, and which generations it fits."""

from __future__ import annotations

import inspect

from reference.generations import SEMANTICS
from reference.generations.claim_sets import ClaimSets
from reference.semantics import Semantics


class Bug(Semantics):
    """A mistake: what is overridden here is done wrong."""

    @classmethod
    def sentence(cls) -> str:
        """What is done wrong."""
        return (inspect.getdoc(cls) or "").splitlines()[0]

    @classmethod
    def fits(cls) -> list[str]:
        """The generations whose rules it spoils: those with claim sets that do not have it as their rule."""
        names = [name for name, semantics in SEMANTICS.items() if isinstance(semantics, ClaimSets)]
        if "recall" in vars(cls):
            names.remove("claim-sets-no-recall")
        return names
