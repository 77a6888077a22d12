"""A Hypothesis state machine over the generators and checks of `claimcheck fuzz`, with one rule per operation.

Every random number of a generator is one of Hypothesis's, so that its own shrinking and its database work on traces.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from proofs.fuzz.checker import Checker
from proofs.fuzz.generators import operations_of
from proofs.fuzz.hosts import draw_host
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.world import RandomWorld
from proofs.operations import Continue, CreateDomain, Event, name_of
from proofs.operations.draw import Draw
from reference.generations import GENERATIONS

RANDOMS = st.randoms(use_true_random=False)


def machine_of(known: GenerationFacts, checked: list[int] | None = None) -> type[RuleBasedStateMachine]:
    """The state machine of a semantics; ``checked`` counts critical sections."""
    counts = checked if checked is not None else [0]

    class Builders(RuleBasedStateMachine):
        """Builders and domains on a random host: the reference and the model side by side."""

        @initialize(random=RANDOMS)
        def boot(self, random: Random) -> None:
            draw = Draw(random)
            self.checker = Checker(draw_host(draw), known)
            domids = draw.domids()
            self.world = RandomWorld(self.checker.runner, draw, 0.1, killing=self.checker.killing, domids=domids)
            self.do(CreateDomain(domid=domids[0], max_pages=draw.below(60), node_affinity=list(self.world.host.nodes)))

        def do(self, event: Any) -> None:
            if event is None or self.checker.crashed:
                return
            before = self.checker.sections
            failure = self.checker.do(event)
            counts[0] += self.checker.sections - before
            self.differed = failure is not None
            assert failure is None, failure
            if self.checker.outcome is not None:
                self.world.note(event, self.checker.outcome)

        def begin(self, kind: type[Event], random: Random) -> None:
            self.world.draw = Draw(random)
            event = kind.drawn(self.world)
            free = [b for b in ("b1", "b2", "b3") if b not in self.checker.runner.in_flight]
            if event is not None and kind.in_steps and free:
                event.builder = free[0]
            self.do(event)

        @rule(random=RANDOMS)
        def go_on(self, random: Random) -> None:
            running = list(self.checker.runner.in_flight)
            if running:
                self.do(Continue(builder=Draw(random).pick(running)))

        def teardown(self) -> None:
            if hasattr(self, "checker") and not self.differed:
                failure = self.checker.end()
                assert failure is None, failure

    for kind in operations_of(GENERATIONS[known.semantics]):

        def begun(self: Builders, random: Random, kind: type[Event] = kind) -> None:
            self.begin(kind, random)

        begun.__name__ = name_of(kind)
        setattr(Builders, name_of(kind), rule(random=RANDOMS)(begun))
    return Builders
