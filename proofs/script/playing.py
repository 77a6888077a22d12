"""A whole script, or a trace as a script: its lines in order, up to the first that cannot be run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET, Struct

from proofs.explain.request import without_outcome
from proofs.operations import Boot, Event
from proofs.traces import Trace, TraceError
from reference.generations import GENERATIONS

from .session import LineResult, Session
from .syntax import ScriptError, statements
from .words import line_of


class ScriptResult(Struct):
    """What came of a script."""

    session: Session
    lines: list[LineResult] = []
    error: ScriptError | None = None
    """Why it could not be run to its end."""

    @property
    def problems(self) -> list[LineResult]:
        """The lines that expect what is not so."""
        return [line for line in self.lines if line.problem]

    @property
    def is_as_expected(self) -> bool:
        """Every line holds, no other property breaks, and the model agrees with the reference."""
        return not self.problems and not self.session.unexpected() and not self.differs

    @property
    def unfollowed(self) -> str:
        """Why the model stopped following, from where on there are no reasons; empty: it followed."""
        return "" if self.session.stage is None else self.session.stage.unfollowed

    @property
    def differs(self) -> str:
        """Where the model's counters differ from the reference's; empty: nowhere."""
        return "" if self.session.stage is None else self.session.stage.differs


def play_script(session: Session, lines: Iterable[str]) -> Iterator[LineResult]:
    """Run a script line by line.

    :raises ScriptError: a line is malformed, or cannot be run there
    """
    for said in statements(session.path, list(lines)):
        yield session.do(said)


def play_trace(session: Session, trace: Trace) -> Iterator[LineResult]:
    """Run the operations of a trace; what the trace observes is what the lines expect.

    :raises ScriptError: a line is malformed, or an event is impossible there
    """
    session.semantics = session.fixed or trace.header.semantics
    if session.semantics not in GENERATIONS:
        raise ScriptError(session.path, trace.first_line, 0, f"field `semantics`: unknown {session.semantics!r}")
    session.expected.update(trace.header.expect)
    session.start(trace.header.host)
    try:
        for event in trace:
            if type(event) is not Boot:
                yield _event(session, trace, event)
    except TraceError as error:
        raise ScriptError(error.path, error.line, 0, error.reason) from None


def _event(session: Session, trace: Trace, event: Event) -> LineResult:
    shown, _begun = session.run(without_outcome(event))
    if shown.result.startswith("impossible"):
        raise ScriptError(session.path, trace.line, 0, f"{event.op}: {shown.result}")
    return LineResult(trace.line, line_of(event, len(trace.header.host.nodes)), shown, _unlike(event, session))


def _unlike(event: Event, session: Session) -> str:
    """What the trace observes and is not so; empty: nothing."""
    stage = session.stage
    assert stage is not None
    if (event.crash is not UNSET) is not stage.ended:
        return "expected a crash" if event.crash is not UNSET else "expected no crash"
    outcome = msgspec.to_builtins(stage.outcome or {})
    for name in event.observed:
        wanted = msgspec.to_builtins(getattr(event, name)) if getattr(event, name) is not UNSET else UNSET
        if wanted is not UNSET and outcome.get(name) != wanted:
            return f"expected {name} {wanted}, got {outcome.get(name, 'none')}"
    return ""


def whole(session: Session, played: Iterator[LineResult]) -> ScriptResult:
    """All lines that can be run."""
    result = ScriptResult(session)
    try:
        for line in played:
            result.lines.append(line)
    except ScriptError as error:
        result.error = error
    return result
