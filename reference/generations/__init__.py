"""Every generation of claims, by name. One small file each: its differences from the common core."""

from ..semantics import Semantics
from .claim_sets import ClaimSets

SEMANTICS: dict[str, Semantics] = {semantics.name: semantics for semantics in (ClaimSets(),)}
