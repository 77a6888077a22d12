"""Search on the reference: states that are put back, against each prefix run again from boot. Shown, not written.

The baseline is the same explorer with the same events and the same merging of states.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from bench.timing import in_turn
from proofs.explore.explorer import Events, Explorer
from proofs.explore.next_events import next_events
from proofs.explore.running import RunningHost, State
from proofs.explore.tiny import Nodes, Sizes, created, tiny_hosts
from proofs.operations import EventFields, Outcome
from proofs.search.on_reference import ReferenceSearchRequest, search_reference

GENERATIONS, PROPERTY = "claim-sets", "node-backed"


class Prefix(NamedTuple):
    """A state, as the events that lead there."""

    events: Events
    state: State
    begun: bool = False
    """What is in flight can be continued: it was run again."""


class BootReplay:
    """A host that reaches a former state by running its events again from boot."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes, self.running = nodes, RunningHost(GENERATIONS, nodes)
        self.events: Events = ()

    def do(self, written: EventFields) -> Outcome:
        self.events = (*self.events, written)
        return self.running.do(written)

    def state(self, _former: Prefix | None = None) -> Prefix:
        return Prefix(self.events, self.running.state())

    def is_in(self, prefix: Prefix) -> bool:
        return self.events == prefix.events

    def bring_back(self, prefix: Prefix) -> None:
        self.events, self.running = prefix.events, RunningHost(GENERATIONS, self.nodes)
        for event in self.events:
            self.running.do(event)


def _from_boot(asked: ReferenceSearchRequest, domains: int, nodes: Nodes) -> Explorer[Prefix, Outcome, None]:
    subject = BootReplay(nodes)

    def choices() -> Iterable[EventFields]:
        running = subject.running
        return next_events(running.host, sorted(running.begun), asked.order, not running.killing)

    starts = created(nodes, domains, range(sum(nodes) + 1))
    return Explorer(subject, starts, choices, lambda _moment: None, lambda prefix: prefix.state.key())


def _each_from_boot(asked: ReferenceSearchRequest) -> None:
    sizes = Sizes(partial(_from_boot, asked), range(asked.domains + 1), tiny_hosts(asked.nodes, asked.pages))
    for depth in range(asked.depth + 1):
        sizes.deepen(depth, last=depth == asked.depth)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.explore", description=__doc__)
    parser.add_argument("--depth", type=int, default=3, help="events  [default: 3]")
    parser.add_argument("--rounds", type=int, default=3, help="[default: 3]")
    options = parser.parse_args()
    asked = ReferenceSearchRequest(GENERATIONS, PROPERTY, options.depth)
    subjects = {"put back": lambda: search_reference(asked), "from boot": lambda: _each_from_boot(asked)}
    times = in_turn(subjects, options.rounds)
    for name, taken in times.items():
        print(f"{name}: {taken.best:.2f} s of processor time, the best of {options.rounds}")
    print(f"from boot takes {times['from boot'].over(times['put back']):.1f} times as long, to depth {options.depth}")


if __name__ == "__main__":
    main()
