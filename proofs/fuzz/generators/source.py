"""Where the events of a trace come from: what next, and who does it."""

from __future__ import annotations

from proofs.fuzz.world import RandomWorld
from proofs.operations import Continue, CreateDomain, Event

from .plan import TracePlan

_BUILDERS = ("b1", "b2", "b3", "b4")
_FIRST_DOMAINS = 2
_GOES_ON = 0.5
"""How often somebody who has begun something goes on with it, rather than that something else begins."""


class Source:
    """Random events, each made for the state that the world has then."""

    def __init__(self, world: RandomWorld, plan: TracePlan) -> None:
        self._world = world
        self._plan = plan
        self._made = 0

    def next(self) -> Event | None:
        """The next event; none at the end of the trace."""
        world, plan = self._world, self._plan
        draw, running = world.draw, world.machine.running
        while self._made < plan.length:
            self._made += 1
            if running and draw.random() < _GOES_ON:
                return Continue(builder=draw.pick(list(running)))
            first = self._made <= _FIRST_DOMAINS or not world.host.domains
            kind = CreateDomain if first else plan.kind(draw)
            event = kind.drawn(world)
            if event is None:
                continue
            if kind.in_steps and self._leaves_room():
                event.builder = next(builder for builder in _BUILDERS if builder not in running)
            return event
        return None

    def _leaves_room(self) -> bool:
        """Whether others may come between an event's critical sections."""
        world = self._world
        return len(world.machine.running) < len(_BUILDERS) and world.draw.random() < self._plan.interleaving
