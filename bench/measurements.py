"""All measurements, in the order of the document. A new one is a module with ``measure``, and a line here."""

from __future__ import annotations

from collections.abc import Callable

from . import allocation, boot, fuzz, outside, replay, scaling, startup
from .effort import Effort
from .report import Section

MEASUREMENTS: dict[str, Callable[[Effort], Section]] = {
    "replay": replay.measure,
    "outside": outside.measure,
    "fuzz": fuzz.measure,
    "allocation": allocation.measure,
    "scaling": scaling.measure,
    "boot": boot.measure,
    "startup": startup.measure,
}
