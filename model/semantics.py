"""Every semantics by name, and every transition."""

from model.generations import SEMANTICS
from model.generations.generation import INVARIANTS, LACKS, Semantics
from model.registry import TRANSITIONS, Transition

__all__ = ["INVARIANTS", "LACKS", "SEMANTICS", "TRANSITIONS", "Semantics", "Transition"]
