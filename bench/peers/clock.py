"""Processor time of this process and of those it has waited for: it says the same on a machine with other work."""

from __future__ import annotations

import os


def worked() -> float:
    """Seconds since this process began."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
