"""Draws the events of a trace: the next operation, and its builder."""

from __future__ import annotations

from proofs.fuzz.world import RandomWorld
from proofs.operations import Continue, CreateDomain, Event

from .plan import TracePlan

_BUILDERS = ("b1", "b2", "b3", "b4")
_GOES_ON = 0.5
"""How often the next event continues an operation in flight instead of beginning a new one."""


class Source:
    """Random events, each drawn for the current state of the world."""

    def __init__(self, world: RandomWorld, plan: TracePlan) -> None:
        self._world = world
        self._plan = plan
        self._made = 0

    def next(self) -> Event | None:
        """The next event; None: the trace ends."""
        world, plan = self._world, self._plan
        draw, running = world.draw, world.runner.in_flight
        while self._made < plan.length:
            self._made += 1
            if running and draw.random() < _GOES_ON:
                return Continue(builder=draw.pick(list(running)))
            first = self._made <= plan.first_domains or not world.host.domains
            kind = CreateDomain if first else plan.kind(draw)
            event = kind.drawn(world)
            if event is None:
                continue
            if kind.in_steps and self._leaves_room():
                event.builder = next(builder for builder in _BUILDERS if builder not in running)
            return event
        return None

    def _leaves_room(self) -> bool:
        """Whether others may run between an event's critical sections."""
        world = self._world
        return len(world.runner.in_flight) < len(_BUILDERS) and world.draw.random() < self._plan.interleaving
