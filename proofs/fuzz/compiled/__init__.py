"""The calls of the model, compiled to plain Python: one function a kind of call, for hosts of every size."""

from .calls import CaseResult, Compiled, Compiler, Pages
from .runtime import ModelState

__all__ = ["CaseResult", "Compiled", "Compiler", "ModelState", "Pages"]
