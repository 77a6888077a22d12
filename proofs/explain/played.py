"""The events of a trace as they are shown: run on the reference and on the model, next to what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from proofs.operations import Boot, Event, State
from proofs.traces import Trace
from reference.generations import GENERATIONS

from .request import without_outcome
from .stage import Bar, Scene, Stage
from .story import actor, call, changes, result, usage


class ShownEvent(Struct, omit_defaults=True):
    """One event and its outcome, as it is shown."""

    at: int
    """Index within the trace; boot is 0."""
    who: str
    call: str
    result: str = ""
    changes: list[str] = []
    why: list[str] = []
    """Why it was refused: the check that decided, with its numbers."""
    breaks: list[str] = []
    """The violated inequalities of the properties that held before it."""
    bars: list[Bar] = []
    """For each node, and last for the host. Empty: the host crashed."""
    crash: str = ""
    observed: bool = True
    """False: the trace does not have the counters, or not all of them: the reference's are shown."""
    differs: str = ""
    """From here on only what was recorded is shown: why."""

    @property
    def headline(self) -> str:
        """Who called what, and the result, on one line."""
        return f"{self.at:>3}  {self.who}: {self.call}" + (f"  => {self.result}" if self.result else "")


def of_scene(at: int, event: Event, scene: Scene) -> ShownEvent:
    """An event that was run, without a recording."""
    outcome = f"CRASH: {scene.crash}" if scene.crash else scene.result
    if scene.impossible:
        outcome = f"impossible: {scene.impossible}"
    return ShownEvent(
        at, scene.who, call(event), outcome, scene.changes, scene.why, scene.breaks, scene.bars, scene.crash
    )


def shown_events(trace: Trace, first: int = 0, last: int | None = None) -> Iterator[ShownEvent]:
    """The events of a trace with index ``first`` to ``last`` (None: to its end); the whole trace is read.

    :raises proofs.traces.TraceError: at a malformed line
    """
    yield from _within(_shown(trace), first, last)


def _checked(trace: Trace) -> Iterator[Event]:
    for event in trace:
        if event.state is not UNSET:
            trace.check_shape(event.state)
        yield event


def _within(shown: Iterable[ShownEvent], first: int, last: int | None) -> Iterator[ShownEvent]:
    for event in shown:
        if first <= event.at and (last is None or event.at <= last):
            yield event


def _shown(trace: Trace) -> Iterator[ShownEvent]:
    header = trace.header
    stage = Stage(header.semantics, header.host) if header.semantics in GENERATIONS else None
    before: State | None = None
    for at, event in enumerate(_checked(trace)):
        recorded = None if event.state is UNSET else event.state
        differs = ""
        if stage is not None:
            scene = stage.boot() if type(event) is Boot else stage.run(without_outcome(event))
            if scene.impossible and recorded is None and event.crash is UNSET:
                raise trace.error(f"{event.op}: {scene.impossible}")
            differs = _difference(event, scene, stage.before, recorded)
            if not differs:
                shown = of_scene(at, event, scene)
                shown.result = result(event) or shown.result
                shown.observed = recorded is not None or event.crash is not UNSET
                before = stage.before
                yield shown
                continue
            stage = None
        bars = [] if recorded is None else [bar_of(row) for row in usage(header.host, recorded)]
        listed = [] if recorded is None else changes(before, recorded)
        crash = "" if event.crash is UNSET else event.crash
        yield ShownEvent(at, actor(event), call(event), result(event), listed, [], [], bars, crash, differs=differs)
        before = recorded


def _difference(event: Event, scene: Scene, now: State, recorded: State | None) -> str:
    """Why the reference does not follow the recording; empty: it does."""
    if scene.impossible:
        return f"on the reference this event is impossible: {scene.impossible}"
    told = getattr(event, "result", UNSET)
    is_silent = recorded is None and event.crash is UNSET and told is UNSET
    if bool(scene.crash) is not (event.crash is not UNSET) and not is_silent:
        return f"the reference {'stops the host here' if scene.crash else 'does not stop the host here'}"
    if told is not UNSET and scene.result and str(told) not in scene.result.split():
        return f"the reference gives {scene.result}"
    if recorded is not None and not _agree(now, recorded):
        return "the reference has other counters"
    return ""


def _agree(now: State, recorded: State) -> bool:
    """Whether the recorded counters are those of the reference; a recording may leave out fields of the stash."""
    ours, theirs = msgspec.to_builtins(now), msgspec.to_builtins(recorded)
    for domain in (*ours["domains"].values(), *theirs["domains"].values()):
        for name in ("pending_scrub", "creation_finished"):
            domain.pop(name, None)
    return bool(ours == theirs)


def bar_of(row: Any) -> Bar:
    """The bar of recorded counters, which do not say whose the pages are."""
    used = {"": row.used - row.stashed} if row.used > row.stashed else {}
    stashed = {"": row.stashed} if row.stashed else {}
    claimed = {"": row.claimed} if row.claimed else {}
    return Bar(row.name, row.pages, 0, used, stashed, claimed, {}, row.unclaimed)
