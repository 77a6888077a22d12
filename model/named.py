"""Every generation by name, and every transition."""

from model.generations import GENERATIONS
from model.generations.generation import INVARIANTS, LACKS, Generation
from model.registry import TRANSITIONS, Transition

__all__ = ["GENERATIONS", "INVARIANTS", "LACKS", "TRANSITIONS", "Generation", "Transition"]
