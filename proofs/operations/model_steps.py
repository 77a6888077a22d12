"""Traces that express steps of the model: how a step is written as events, and where frames are between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from model.rules import Rules

SMALLEST_PREEMPTED = 9
"""The smallest order of an extent whose scrubbing may be preempted, so that it is stashed."""
_SMALLEST = 1 << SMALLEST_PREEMPTED

EventFields = dict[str, Any]
"""An event as in the trace format."""
StepArguments = dict[str, Any]
"""The arguments of a step of the model, from a countermodel."""


class UntraceableStepError(Exception):
    """No operation expresses a step of the model with the available frames."""


class FreePages:
    """The free frames of a node; on a node with a stashed extent, the last ones are taken first."""

    def __init__(self, first: int, pages: int) -> None:
        self.first, self.pages = first, pages
        self.taken: set[int] = set()

    def take(self, last: bool = False) -> int:
        """A free frame."""
        frames = range(self.first, self.first + self.pages)
        found = next((f for f in (reversed(frames) if last else frames) if f not in self.taken), None)
        if found is None:
            raise UntraceableStepError
        self.taken.add(found)
        return found

    def single(self) -> int:
        """A free frame that splits as few larger blocks as possible."""
        return self.take(last=self.pages >= _SMALLEST)

    def block(self) -> list[int]:
        """The frames of an extent large enough to be stashed."""
        for first in range(self.first, self.first + self.pages - _SMALLEST + 1, _SMALLEST):
            if self.taken.isdisjoint(range(first, first + _SMALLEST)):
                self.taken.update(range(first, first + _SMALLEST))
                return list(range(first, first + _SMALLEST))
        raise UntraceableStepError

    def give(self, frames: Iterable[int]) -> None:
        """Return frames."""
        self.taken.difference_update(frames)


class ModelTrace:
    """A trace under construction: its events, and the owners of the frames that they name, chosen for each step."""

    def __init__(self, nodes: list[int], span: int, rules: Rules) -> None:
        self.nodes, self.rules = len(nodes), rules
        self.free = {n: FreePages(n * span, pages) for n, pages in enumerate(nodes)}
        self.limbo: dict[tuple[int, int], list[int]] = {}
        self.assigned: dict[tuple[int, int], list[int]] = {}
        self.extra: dict[tuple[int, int], list[int]] = {}
        self.unassigned: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        """Pages to become extra pages of a domain that is not known yet, with the event that allocated them."""
        self.anonymous: dict[int, list[int]] = {}
        self.offlined: dict[int, list[int]] = {}
        self.transit: dict[int, list[tuple[int, str]]] = {}
        self.marks: dict[int, list[tuple[dict[str, Any], set[int]]]] = {}
        """Events that mark a page that is not known yet, with the candidates."""
        self.stashes: dict[int, list[int]] = {}
        self.populating: dict[int, list[dict[str, Any]]] = {}
        """By domain: the populates that began and have not allocated yet."""
        self.calls: dict[int, list[dict[str, Any]]] = {}
        self.builders = 0
        self.killing: dict[int, str] = {}
        self.dying: set[int] = set()
        self.events: list[dict[str, Any]] = []

    def builder(self) -> str:
        """A new one."""
        self.builders += 1
        return f"builder-{self.builders}"

    def end(self) -> None:
        """Complete what later events would have determined: a legacy call is for one page, extra pages belong to the
        first domain, and a marked page is one that was not used."""
        for calls in self.calls.values():
            for event in calls:
                event.setdefault("nr_extents", 1)
        for pages in self.unassigned.values():
            for _mfn, event in pages:
                event["domid"] = event["listed"][0]
        for event in self.events:
            event.pop("listed", None)
        for marks in self.marks.values():
            while marks:
                self.resolve(marks, 0, min(marks[0][1], default=None))

    def crash(self, text: str = "BUG_ON: claims > avail_pages") -> None:
        """The host stops in the last event."""
        for observed in ("result", "on_node", "mfn"):
            self.events[-1].pop(observed, None)
        self.events[-1]["crash"] = text

    def request(self, a: StepArguments, op: str, domid: int | None, flags: Iterable[str]) -> EventFields:
        """A request for single pages."""
        exact = ["exact_node"] if a["exact_node"] else []
        named = None if a["anywhere"] else a["requested_node"]
        event = {"op": op, "domid": domid, "order": 0, "node": named, "memflags": [*exact, *flags]}
        self.events.append(event)
        return event

    def allocate(self, a: StepArguments, domid: int | None, *flags: str) -> int:
        """A page leaves the heap; returns its frame."""
        mfn = self.free[a["node"]].single()
        self.request(a, "alloc_heap_pages", domid, flags).update({"mfn": mfn, "on_node": a["node"]})
        return mfn

    def choose(self, pages: list[int], node: int, marks: int, ends: bool = True) -> int:
        """Take a page from the list: a marked or an unmarked one.

        :param ends: the event determines whether the page is marked
        """
        pending = self.marks.get(node, [])
        if not marks:
            unmarked = [mfn for mfn in pages if all(mfn not in candidates for _event, candidates in pending)]
            mfn = next(iter(unmarked or pages), None)
            if mfn is None:
                raise UntraceableStepError
            for _event, candidates in pending if ends else ():
                candidates.discard(mfn)
            pages.remove(mfn)
            return mfn
        for number, (_event, candidates) in enumerate(pending):
            for mfn in pages:
                if mfn in candidates:
                    pages.remove(mfn)
                    self.resolve(pending, number, mfn)
                    return mfn
        raise UntraceableStepError

    @staticmethod
    def resolve(pending: list[tuple[dict[str, Any], set[int]]], number: int, mfn: int | None) -> None:
        """Record that the mark with this number is on this page, and no other one is."""
        if mfn is None:
            raise UntraceableStepError
        event, _candidates = pending.pop(number)
        event["mfn"] = mfn
        for _event, candidates in pending:
            candidates.discard(mfn)


class StepTranslation(NamedTuple):
    """How a step of the model is written."""

    write: Callable[[ModelTrace, StepArguments], None]
    """:raises UntraceableStepError: there is no event for it"""
    when: str = ""
    """A condition on the step, by its name in `proofs.search.steps`; empty: no condition."""
    sections: tuple[str, ...] = ()
    """The steps that it consists of, uninterrupted, about the same domain, node and pages; empty: only itself."""
    needs: frozenset[str] = frozenset()
    """Steps without which a generation does not have it."""
