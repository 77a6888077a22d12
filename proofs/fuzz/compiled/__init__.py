"""The calls of the model, compiled to plain Python: one function a kind of call, for hosts of every size."""

from .calls import Compiled, Compiler, Made, Pages
from .runtime import ModelState

__all__ = ["Compiled", "Compiler", "Made", "ModelState", "Pages"]
