"""Runs a trace on the reference for display: the owners of pages after every event, and the locks that it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
from msgspec import Struct

from model.calls import MISUSE
from proofs.explain.reasons import ExplainedCalls, RefusalReason
from proofs.explain.request import request_of
from proofs.explain.story import actor, arguments, changes, result
from proofs.explore.running import killing
from proofs.fuzz.difference import first_difference
from proofs.fuzz.expectation import Expectation
from proofs.operations import Continue, CreateDomain, Event, Events2, Outcome
from proofs.replay.observe import observe
from proofs.replay.runner import NOBODY, ObservedBlock, Runner, boot_shape, builder_of
from proofs.traces.events import HostShape
from reference.generations import GENERATIONS
from reference.locks import CheckedLock
from reference.pages import PageState
from reference.properties import Violation, check_state
from reference.state import Host, all_locks
from reference.status import HypervisorCrash, MisuseError

NO_DOMAIN = "no domain"


class Bar(Struct, omit_defaults=True):
    """Pages of a node or of the host: offline; used, in limbo and claimed by domain; and the rest."""

    name: str
    pages: int
    offline: int = 0
    used: dict[str, int] = {}
    limbo: dict[str, int] = {}
    claimed: dict[str, int] = {}
    host_wide: dict[str, int] = {}
    """For the host: claims that are not on a node."""
    unclaimed: int = 0
    """Unclaimed free pages; negative: claims exceed free pages by this number."""


class Scene(Struct, omit_defaults=True):
    """One event and its outcome."""

    op: str
    who: str
    arguments: dict[str, str] = {}
    result: str = ""
    sections: list[list[str]] = []
    """Critical sections in order, each with the locks it took."""
    changes: list[str] = []
    bars: list[Bar] = []
    """For each node, and last for the host; empty: the host crashed."""
    violations: list[str] = []
    """Every violation in the state after it."""
    breaks: list[str] = []
    """The violations of properties that held before it."""
    why: list[str] = []
    """Why it was refused: the check that decided, with its numbers."""
    crash: str = ""
    impossible: str = ""
    """Why the event cannot happen here; for example, the operation that it continues was refused."""

    @property
    def refused(self) -> bool:
        """Whether the caller got less than it requested."""
        words = self.result.split()
        return bool(words) and (self.result == "refused" or words[0].startswith("E"))


class _WatchedLocks(list[CheckedLock]):
    """The locks held, with a record of the critical sections since the record was cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[list[str]] = []

    def append(self, lock: CheckedLock) -> None:
        if not self:
            self.sections.append([])
        self.sections[-1].append(lock.name)
        super().append(lock)


class Stage:
    """A host of the reference on which events are run one by one, with the model alongside that gives the reasons."""

    def __init__(self, semantics: str, shape: HostShape) -> None:
        policy = ObservedBlock()
        host = boot_shape(shape, GENERATIONS[semantics], block_policy=policy, check_locks=True)
        self.runner = Runner(host, policy)
        self.locks = _WatchedLocks()
        host.locks_held = self.locks
        assert isinstance(host.heap_lock, CheckedLock)
        host.heap_lock.held = self.locks
        self.calls = ExplainedCalls(host)
        self.model: Expectation | None = Expectation(host, self.calls)
        """None: the model cannot follow, because no caller of the hypervisor makes an earlier call."""
        self.before = observe(host)
        self.broken: dict[str, Violation] = {}
        """The properties that do not hold now, each with its first violation."""
        self.outcome: Outcome | None = None
        """The outcome of the last event; None: its operation has not ended."""
        self.differs = ""
        """Where the model's counters first differ from the reference's; empty: nowhere."""
        self.unfollowed = ""
        """Why the model follows no longer although nothing differs; empty: it follows."""
        self.ended = False
        self.taken: list[list[str]] = []
        """The critical sections of the last event, each with the locks that it took."""
        self._refusals: dict[str, list[list[RefusalReason]]] = {}
        """By builder: the reasons of the calls of its operation that were refused."""

    @property
    def host(self) -> Host:
        """The current host."""
        return self.runner.host

    def boot(self) -> Scene:
        """The host before the first event."""
        return Scene("boot", "host", bars=bars(self.host))

    def play(self, written: dict[str, Any]) -> Scene:
        """Run one event of a trace; its recorded outcome is ignored."""
        return self.run(msgspec.convert(request_of(written), Events2))

    def run(self, event: Event) -> Scene:
        """Run one event."""
        scene = Scene(event.op, actor(event), arguments(event))
        self.locks.sections = self.taken = scene.sections
        if type(event) is not Continue:
            self._refusals[builder_of(event)] = []
        self.calls.refusals = self._refusals.setdefault(builder_of(event), [])
        earlier = len(self.calls.refusals)
        self.outcome = None
        goes_on = type(event) is Continue
        in_flight = self.runner.in_flight.get(builder_of(event)) if goes_on else None
        ended = goes_on and in_flight is None
        begun = event if in_flight is None else in_flight.event
        try:
            self._sections(event, goes_on)
        except HypervisorCrash as stopped:
            self.ended = True
            scene.crash = str(stopped)
            scene.why = self._reasons(self.calls.refusals[-1:])
            return scene
        except MisuseError as error:
            scene.impossible = "the operation that it continues has ended already" if ended else str(error)
            scene.bars = bars(self.host)
            return scene
        self.locks.sections = []  # an observer takes the locks too
        after = observe(self.host)
        scene.changes = changes(self.before, after)
        self.before = after
        violations = self._violations()
        scene.violations = [str(violation) for violation in violations]
        scene.breaks = [str(violation) for violation in violations if violation.property not in self.broken]
        self.broken = {violation.property: violation for violation in reversed(violations)}
        scene.bars = bars(self.host)
        if self.outcome is None:
            scene.why = self._reasons(self.calls.refusals[earlier:])
        else:
            named = msgspec.to_builtins(self.outcome)
            scene.result = result(msgspec.convert(msgspec.to_builtins(event) | named, Events2))
            if scene.refused or _is_short(begun, self.outcome) or not self.outcome:
                # an operation that returns nothing may have been refused, too
                scene.why = self._reasons(self.calls.refusals)
        return scene

    def _violations(self) -> list[Violation]:
        """What does not hold. A dying domain may hold claims between the two critical sections of domain_kill."""
        excused = "dead-hold-nothing" if killing(self.runner.in_flight) else ""
        return [violation for violation in check_state(self.host) if violation.property != excused]

    def _reasons(self, refusals: list[list[RefusalReason]]) -> list[str]:
        """The reasons of the first call that was refused: the later ones undo what the operation did.

        There are several for a node search, one for each node. An operation may be refused before its first call.
        """
        ended = None if self.model is None else self.model.ended
        if not refusals:
            return [ended.check] if ended is not None and ended.check else []
        return list(dict.fromkeys(map(str, refusals[0])))

    def _sections(self, event: Event, goes_on: bool) -> None:
        """Run one critical section, or all of them if the event names no builder."""
        runner, builder = self.runner, builder_of(event)
        if runner.policy is not None:
            runner.policy.blocks = []
            if not goes_on and event.observed:
                runner.policy.expect(event)
        while True:
            expected = self._model(builder, event, goes_on)
            outcome = runner.go_on(builder) if goes_on else runner.begin(builder, event)
            self._compare(event, expected)
            if outcome is not None:
                self.outcome = outcome
                return
            if builder != NOBODY:
                return
            goes_on = True

    @contextmanager
    def _observing(self) -> Iterator[None]:
        """Hold the locks of all domains that there were, and of the host; they are not recorded."""
        sections, self.locks.sections = self.locks.sections, []
        with ExitStack() as locks:
            for domain in self.calls.domains.values():
                locks.enter_context(domain.page_alloc_lock)
            locks.enter_context(self.host.heap_lock)
            yield
        self.locks.sections = sections

    def _model(self, builder: str, event: Event, goes_on: bool) -> bool:
        """Run the section on the model; returns whether the model can follow."""
        if self.model is None or (goes_on and builder not in self.runner.in_flight):
            return False
        with self._observing():
            if goes_on:
                self.model.go_on(builder)
            else:
                self.model.begin(builder, event)
        if self.calls.result == MISUSE:
            self.model, self.unfollowed = None, f"no caller of the hypervisor makes this call here: {event.op}"
        return self.model is not None

    def _compare(self, event: Event, follows: bool) -> None:
        if not follows:
            return
        if type(event) is CreateDomain:
            self.calls.domains[event.domid] = self.host.domains[event.domid]
        with self._observing():
            self.calls.settle()
            difference = first_difference(self.calls.state, self.host, self.calls.domains)
        if difference is not None:
            self.differs = str(difference)
            self.model = None


def _is_short(event: Event, outcome: Outcome) -> bool:
    """Whether a call got fewer extents than it requested, and was not preempted."""
    wanted = getattr(event, "nr_extents", 0)
    return "nr_done" in outcome and not outcome.get("preempted") and outcome["nr_done"] < wanted


def bars(host: Host) -> list[Bar]:
    """One bar per node, and a last one for the host."""
    with all_locks(host):
        nodes = [Bar(f"node {n}", host.node_pages[n]) for n in host.nodes]
        whole = Bar("host", sum(host.node_pages))
        for mfn in host.pages.offlined:
            nodes[host.node_of(mfn)].offline += 1
            whole.offline += 1
        for block in host.pages.blocks.values():
            owner = NO_DOMAIN if block.domid is None else f"d{block.domid}"
            for bar in (nodes[host.node_of(block.mfn)], whole):
                _add(bar.limbo if block.state is PageState.LIMBO else bar.used, owner, block.pages)
        for domid, domain in host.domains.items():
            for node, pages in zip(nodes, domain.claims, strict=True):
                _add(node.claimed, f"d{domid}", pages)
            _add(whole.host_wide, f"d{domid}", domain.global_claims)
        for bar, claims in zip(nodes, host.node_outstanding_claims, strict=True):
            _add(bar.claimed, NO_DOMAIN, claims - sum(bar.claimed.values()))
        on_nodes = sum(sum(bar.claimed.values()) for bar in nodes)
        whole.claimed = {name: sum(bar.claimed.get(name, 0) for bar in nodes) for bar in nodes for name in bar.claimed}
        _add(whole.host_wide, NO_DOMAIN, host.outstanding_claims - on_nodes - sum(whole.host_wide.values()))
        for bar, avail, claimed in zip(nodes, host.node_avail_pages, host.node_outstanding_claims, strict=True):
            bar.unclaimed = avail - claimed
        whole.unclaimed = host.unclaimed()
    return [*nodes, whole]


def _add(to: dict[str, int], whom: str, pages: int) -> None:
    """Add pages; where counters disagree, nobody's claims may be less than none, and are left out."""
    if pages > 0:
        to[whom] = to.get(whom, 0) + pages
