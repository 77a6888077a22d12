"""The events of a trace that are no operation of the hypervisor: its beginning, and the next section of a builder."""

from __future__ import annotations

from typing import ClassVar

from msgspec import UNSET, UnsetType

from reference.state import Host

from .event import Event, Outcome, ScriptWords
from .fields import Count, Mfn, Node
from .populating import PreemptionKind


class Boot(Event, tag="boot"):
    """All pages are free, no domain exists."""

    def on_reference(self, host: Host) -> Outcome:
        """The host was booted from the header."""
        del host
        return {}


class Continue(Event, tag="continue"):
    """The next critical section of what the builder is doing; on the last one, its outcome."""

    words: ClassVar[ScriptWords] = ScriptWords("continue")
    observed: ClassVar[tuple[str, ...]] = (
        "result",
        "mfn",
        "on_node",
        "mfns",
        "pages",
        "nr_done",
        "preempted",
        "scrub_index",
    )

    result: str | UnsetType = UNSET
    mfn: Mfn | None | UnsetType = UNSET
    on_node: Node | UnsetType = UNSET
    mfns: list[Mfn] | UnsetType = UNSET
    pages: Count | UnsetType = UNSET
    nr_done: Count | UnsetType = UNSET
    preempted: PreemptionKind | None | UnsetType = UNSET
    scrub_index: Count | UnsetType = UNSET
