"""A walk as a script, a trace or a mail."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from proofs.atomic import write_atomically
from proofs.explain.played import ShownEvent
from proofs.fuzz.known import CHECKED
from proofs.operations import Event
from proofs.script.answers import UNFINISHED
from proofs.script.forms import WrittenRun, written
from proofs.script.playing import play_script, whole
from proofs.script.session import NO_CRASH, Session
from proofs.script.syntax import BreaksStatement, GenerationStatement, OperationStatement, statement

from .lane import LaneView
from .walk import Walk, WalkPlace

FORMS = {".claims": "script", ".jsonl": "trace", ".txt": "mail"}
"""What a file holds, by the end of its name."""


class UnsavableWalkError(Exception):
    """The walk cannot be saved so; one line that says why."""


def form_of(file: str) -> str:
    """What the file is to hold.

    :raises UnsavableWalkError: its name does not say
    """
    for end, form in FORMS.items():
        if file.endswith(end):
            return form
    known = ", ".join(f"{end} ({form})" for end, form in FORMS.items())
    raise UnsavableWalkError(f"{file}: the name ends in one of: {known}")


def save(walk: Walk, file: str) -> str:
    """Write the walk up to where it stands, in its first generation; gives what `claimcheck run` has against a script.

    :raises UnsavableWalkError: its name does not say what it is, or it cannot be written
    """
    form = form_of(file)
    text = script(walk) if form == "script" else _other(walk, form, file)
    try:
        write_atomically(Path(file), text.encode())
    except OSError as error:
        raise UnsavableWalkError(f"{file}: {error.strerror or error}") from None
    return _run_again(file, text) if form == "script" else ""


def _run_again(file: str, text: str) -> str:
    """Why a script does not end with 0; empty: it does."""
    session = Session(file)
    result = whole(session, play_script(session, text.splitlines()))
    if result.error is not None:
        return str(result.error)
    unexpected = [f"line {line.line}: {line.problem}" for line in result.problems] + [*session.unexpected()]
    return next(iter(unexpected), "")


def script(walk: Walk) -> str:
    """The lines up to where the walk stands, each operation with its outcome, and what breaks."""
    places = walk.here.path()
    lines: list[str] = []
    expected: set[str] = set()
    saying = [_expectation(walk, place) for place in places]
    generation = walk.views[0].generation
    if walk.lanes[0].fixed and not any(_is_generation(walk, place) for place in places):
        lines.append(f"generation {generation}")
    for index, place in enumerate(places):
        view = _view(place)
        lines += place.line.comments
        text = f"generation {generation}" if _is_generation(walk, place) else place.line.text
        lines.append(_answered(walk, place, text, view))
        expected.add(saying[index])
        following = _following(saying[index + 1 :], places[index + 1 :])
        for name in view.broken:
            if name in (*CHECKED, NO_CRASH) and name not in expected and view.recorded is not None:
                expected.add(name)
                if name not in following:
                    lines.append(f"expect breaks {name}")
    return "".join(f"{line}\n" for line in lines)


def _following(saying: list[str], places: list[WalkPlace]) -> list[str]:
    """What the statements right after a line expect to break."""
    found = []
    for name, place in zip(saying, places, strict=True):
        if _view(place).recorded is not None:
            break
        found.append(name)
    return found


def _view(place: WalkPlace) -> LaneView:
    assert place.views is not None  # the walk stands at or after it
    return place.views[0]


def _is_generation(walk: Walk, place: WalkPlace) -> bool:
    return place.line.event is None and isinstance(statement(walk.path, 1, place.line.text), GenerationStatement)


def _expectation(walk: Walk, place: WalkPlace) -> str:
    """The property that the line expects to break; empty: it is another line."""
    said = None if place.line.event is not None else statement(walk.path, 1, place.line.text)
    return said.property.text if isinstance(said, BreaksStatement) else ""


def _answered(walk: Walk, place: WalkPlace, text: str, view: LaneView) -> str:
    """The line with its outcome, before a comment at its end."""
    if view.recorded is None or view.word in ("", UNFINISHED):
        return text
    if place.line.event is None:
        said = statement(walk.path, 1, text)
        if isinstance(said, OperationStatement) and said.is_answered:
            return text
    found = re.match(r"([^#]*?)(\s*#.*)?$", text)
    assert found is not None  # it matches every line
    return f"{found[1].rstrip()} => {view.word}{found[2] or ''}"


def _other(walk: Walk, form: str, file: str) -> str:
    views = [_view(place) for place in walk.here.path()]
    header = next((view.header for view in reversed(views) if view.header is not None), None)
    if header is None:
        raise UnsavableWalkError(f"{file}: a {form} needs a host first")
    boot = next(view.boot for view in views if view.boot is not None)
    events: list[Event] = [boot, *(view.recorded for view in views if view.recorded is not None)]
    shown: list[ShownEvent] = [view.shown for view in views if view.recorded is not None and view.shown is not None]
    broken = [name for name in dict.fromkeys(n for view in views for n in view.broken) if name != NO_CRASH]
    source = f"claimcheck explore, {walk.path}"
    run = WrittenRun(msgspec.structs.replace(header, source=source), events, shown, broken, "")
    if form == "trace":
        return written(run, form)
    run.again = "`claimcheck run -` with this script:"
    return written(run, form) + "".join(f"\n  {line}" for line in script(walk).splitlines()) + "\n"
