"""Outside implementations: programs in any language that are given operations and answer with what they observed.

:class:`~proofs.adapters.outside.Outside` runs one; :mod:`~proofs.adapters.against` replays traces against it;
:mod:`~proofs.adapters.server` is one itself, around the reference. The protocol: docs/adapters.md.
"""

from .failure import FailureKind, HostRefused, OutsideFailure
from .outside import Outside

__all__ = ["FailureKind", "HostRefused", "Outside", "OutsideFailure"]
