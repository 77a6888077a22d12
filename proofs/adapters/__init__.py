"""Outside implementations: programs in any language that run operations and answer with their observations.

:class:`~proofs.adapters.outside.OutsideProgram` runs a program; :mod:`~proofs.adapters.against` replays traces against
it;
:mod:`~proofs.adapters.server` is such a program around the reference. The protocol: docs/adapters.md.
"""

from .failure import FailureKind, HostRefusal, OutsideFailure
from .outside import OutsideProgram

__all__ = ["FailureKind", "HostRefusal", "OutsideFailure", "OutsideProgram"]
