"""One generation of a walk: a session of the script language that follows the walk, and what each line did in it."""

from __future__ import annotations

from msgspec import Struct

from proofs.explain.played import ShownEvent, of_scene
from proofs.explain.request import without_outcome
from proofs.explain.stage import Bar, Stage
from proofs.operations import Continue, DomainKill, Event
from proofs.replay.runner import NOBODY, builder_of
from proofs.script.answers import summary
from proofs.script.session import DEFAULT, NO_CRASH, LineResult, Session
from proofs.script.syntax import ScriptError, ScriptStatement
from proofs.script.words import line_of
from proofs.traces.events import Header, HostShape
from reference.state import Domain, all_locks

DOMCTL_LOCK = "domctl_lock"


class DomainRow(Struct):
    """What a domain has."""

    domid: int
    pages: int
    limit: int
    claims: list[str]
    """``3@0``, ``1@host``."""
    state: str = ""
    """``dying``, or what is stashed."""


class BuilderRow(Struct):
    """An operation in flight."""

    builder: str
    line: str
    sections: list[list[str]]
    """Its critical sections so far, each with the locks that it took."""
    holds: list[str]
    """The locks that it holds until it ends."""


class LaneView(Struct):
    """What a line did, and the host after it."""

    generation: str
    line: LineResult | None = None
    """None: nothing is run yet, or the generation cannot run the line."""
    word: str = ""
    """The outcome in one word."""
    error: str = ""
    """Why the generation cannot run the line."""
    text: str = ""
    """The operation in the script language, without its outcome."""
    recorded: Event | None = None
    """The event with its outcome, as a trace records it. None: the line is no operation."""
    header: Header | None = None
    """None: there is no host yet."""
    boot: Event | None = None
    bars: list[Bar] = []
    domains: list[DomainRow] = []
    builders: list[BuilderRow] = []
    broken: dict[str, str] = {}
    """The properties that do not hold, each with its violated inequality."""
    stopped: bool = False
    """The host has crashed."""
    differs: str = ""
    """Where the model's counters differ from the reference's."""
    has_model: bool = True
    """False: the model cannot follow, because no caller of the hypervisor makes one of the calls so far."""
    in_flight: dict[str, Event] = {}

    @property
    def shown(self) -> ShownEvent | None:
        """The event as a timeline shows it."""
        return None if self.line is None else self.line.event


class Lane:
    """A session in one generation, at one place of a walk.

    :param fixed: the generation; None: the walk's own
    """

    def __init__(self, path: str, fixed: str | None) -> None:
        self.path, self.fixed = path, fixed
        self.begin()

    def begin(self) -> None:
        """Return to the beginning."""
        self._session = Session(self.path, self.fixed)
        self._sections: dict[str, list[list[str]]] = {}

    def first_view(self) -> LaneView:
        """Before any line."""
        return LaneView(self.fixed or DEFAULT)

    def do(self, said: ScriptStatement | None, event: Event | None = None, shape: HostShape | None = None) -> LaneView:
        """Run a line, or the event of a trace, or boot its host.

        :raises ScriptError: it cannot be run here
        """
        session = self._session
        flights = {} if session.stage is None else {b: of.event for b, of in session.stage.runner.in_flight.items()}
        events = len(session.events)
        if event is not None:
            shown, _begun = session.run(without_outcome(event))
            if shown.result.startswith("impossible"):
                raise ScriptError(self.path, 0, 0, shown.result)
            done = LineResult(0, "", shown)
        elif shape is not None:
            session.start(shape)
            assert session.stage is not None  # it was started
            done = LineResult(0, "", of_scene(0, session.events[0], session.stage.boot()))
        else:
            assert said is not None  # one of the three is given
            done = session.do(said)
        view = LaneView(session.semantics, done, header=session.header)
        view.boot = next(iter(session.events), None)
        if len(session.events) > events > 0:
            view.recorded = session.events[-1]
            self._note(view, flights)
        if session.stage is not None:
            self._describe(view, session.stage)
        return view

    def unable(self, reason: str) -> LaneView:
        """The host where a line cannot be run: nothing has changed."""
        session = self._session
        view = LaneView(session.semantics, error=reason, header=session.header)
        if session.stage is not None:
            self._describe(view, session.stage)
        return view

    def _note(self, view: LaneView, flights: dict[str, Event]) -> None:
        """The outcome, and the locks that the sections took."""
        stage, event, shown = self._session.stage, view.recorded, view.shown
        assert stage is not None
        assert event is not None
        assert shown is not None
        builder = builder_of(event)
        begun = flights.get(builder, event) if type(event) is Continue else event
        view.word = summary(begun, stage.outcome, shown.crash)
        view.text = line_of(event, len(stage.host.node_pages))
        if builder != NOBODY:
            before = self._sections.pop(builder, []) if type(event) is Continue else []
            self._sections[builder] = [*before, *stage.taken]

    def _describe(self, view: LaneView, stage: Stage) -> None:
        """The host now."""
        broken = {name: str(violation) for name, violation in stage.broken.items()}
        view.stopped, view.differs = stage.ended, stage.differs
        view.has_model = stage.model is not None or stage.ended
        if stage.ended:
            view.broken = {**broken, NO_CRASH: self._session.broken.get(NO_CRASH, "the host has stopped")}
            return
        view.broken = broken
        view.bars = view.shown.bars if view.shown is not None else stage.boot().bars
        flights = stage.runner.in_flight
        nodes = len(stage.host.node_pages)
        view.in_flight = {builder: of.event for builder, of in flights.items()}
        for builder, of in sorted(flights.items()):
            holds = [DOMCTL_LOCK] if type(of.event) is DomainKill else []
            line = line_of(of.event, nodes).partition(": ")[2]
            view.builders.append(BuilderRow(builder, line, self._sections.get(builder, []), holds))
        with all_locks(stage.host):
            view.domains = [_row(domain) for domain in stage.host.domains.values()]


def _row(domain: Domain) -> DomainRow:
    claims = [f"{pages}@{node}" for node, pages in enumerate(domain.claims) if pages]
    if domain.global_claims:
        claims.append(f"{domain.global_claims}@host")
    stash = domain.pending_scrub
    state = ["dying"] if domain.is_dying else []
    state += [] if stash is None else [f"stash mfn {stash.mfn} order {stash.order}"]
    return DomainRow(domain.domid, domain.tot_pages, domain.max_pages, claims, ", ".join(state))
