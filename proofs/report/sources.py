"""Where a finding can be read again: the file of its trace, and the function that takes its last step."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from types import ModuleType

from proofs.evidence.replayed import lines_of
from proofs.evidence.request import CHECKOUT
from proofs.evidence.structure import EvidenceFinding
from proofs.matrix.findings import as_good, path_of
from proofs.matrix.rows import MatrixRow
from reference import claims, domain, hypercalls, page_alloc, populate

_MODULES: tuple[ModuleType, ...] = (page_alloc, populate, domain, claims, hypercalls)


def trace_file(finding: EvidenceFinding) -> str:
    """The stored file with this trace, or another one as short; empty if this checkout has none."""
    path = path_of(finding.semantics, MatrixRow(finding.property, tuple(finding.conditions)))
    try:
        same = as_good((CHECKOUT / path).read_bytes(), lines_of(finding.trace))
    except (OSError, ValueError, KeyError):
        return ""
    return path.as_posix() if same else ""


@cache
def function(op: str) -> str:
    """The hypervisor's function that an event calls: its name, its file in Xen where that is known, and our file."""
    for module in _MODULES:
        found = getattr(module, op, None)
        if inspect.isfunction(found):
            ours = inspect.getmodule(found) or module
            in_xen = re.search(r"``(xen/[\w./]+)``", ours.__doc__ or "")
            place = f" in {in_xen[1]}" if in_xen else ""
            return f"{op}(){place}; here reference/{Path(str(ours.__file__)).name}"
    return f"{op}()"


def last_call(finding: EvidenceFinding) -> str:
    """The call that takes the last step: of a builder that resumes, the call that it began."""
    *before, last = finding.trace
    if last.get("op") != "continue":
        return str(last.get("op", ""))
    begun = [event for event in before if event.get("builder") == last.get("builder") and event.get("op") != "continue"]
    return str(begun[-1].get("op", "")) if begun else "continue"
