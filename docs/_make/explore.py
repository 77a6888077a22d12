"""The walks of docs/explore.md, played in the application and stored as text: ``python -m docs._make.explore``.

tests/play plays them again and compares; docs/explore.md shows some of the screens.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docs._make.blocks import Output, parser, table
from docs._make.checkout import ROOT
from proofs.play.keys import KEYS

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from proofs.play.app import ExploreApp

STORED = ROOT / "tests/data/explore"
SIZE = (80, 24)
"""Columns and lines of the screen."""
_HEAD = "=== "
_KEYS = {"Enter": "enter", "Down": "down", "Up": "up", "Esc": "escape", "Del": "delete", "F1": "f1"} | {
    f"Ctrl-{letter.upper()}": f"ctrl+{letter}" for letter in "flnqrstz"
}


class PlayedWalk(NamedTuple):
    """What is typed: keys, or lines; after each the screen is stored."""

    file: str
    """Empty: nothing."""
    generations: tuple[str, ...]
    typed: tuple[str, ...]


FINDING = "tests/data/findings/claim-sets/host-backed.jsonl"
WALKS = {
    "typed": PlayedWalk(
        "",
        (),
        (
            "host 4 4",
            "d1 create max=8",
            "d1 claim 3@0 2@@host",
            "Del Enter",
            "A: d1 populate 2",
            "d2 create max=8",
            "d2 claim 2@0",
            "Ctrl-Z",
            "d2 claim 3@1",
            "Ctrl-T",
            "F1",
        ),
    ),
    "finding": PlayedWalk(FINDING, (), ("Ctrl-N Ctrl-N Ctrl-N", "Ctrl-R", "Ctrl-L", "Esc Ctrl-Z", "Ctrl-Z")),
    "break": PlayedWalk(
        "",
        ("claim-sets",),
        (
            "host 1",
            "d1 create max=1",
            "Ctrl-L",
            "Down Down Down Down Down Enter",
            "Ctrl-N Ctrl-N",
            "Ctrl-N",
            "Ctrl-S",
            "Enter",
        ),
    ),
    "generations": PlayedWalk(
        "tests/data/scripts/replace.claims", ("claim-sets", "per-node-v8"), ("Enter", "Ctrl-R", "Ctrl-Z")
    ),
}
"""By the name of the file that has their screens."""


def screen_of(app: ExploreApp) -> str:
    """The screen as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def settled(app: ExploreApp, pilot: Pilot[str]) -> str:
    """The screen once nothing runs any more."""
    before = None
    while True:
        while not all(worker.is_finished for worker in app.workers):
            await asyncio.sleep(0.01)
        await pilot.pause()
        now = screen_of(app)
        if now == before and app.walk is not None and all(worker.is_finished for worker in app.workers):
            return now
        before = now


async def typed(app: ExploreApp, pilot: Pilot[str], text: str) -> None:
    """Keys, or a line and Enter."""
    from textual.events import Paste

    words = text.split()
    if all(word in _KEYS for word in words):
        await pilot.press(*(_KEYS[word] for word in words))
        return
    assert app.focused is not None  # the line
    app.focused.post_message(Paste(text))
    await pilot.pause()
    await pilot.press("enter")


async def _screens(walk: PlayedWalk) -> list[tuple[str, str]]:
    from proofs.play.app import ExploreApp, WalkOrigin

    content = (ROOT / walk.file).read_bytes() if walk.file else b""
    app = ExploreApp(WalkOrigin(walk.file or "typed", content, walk.generations or (None,)))
    found = []
    async with app.run_test(size=SIZE) as pilot:
        found.append(("", await settled(app, pilot)))
        for text in walk.typed:
            await typed(app, pilot, text)
            found.append((text, await settled(app, pilot)))
    return found


def played(walk: PlayedWalk, folder: Path) -> list[tuple[str, str]]:
    """What was typed, and the screen after it; files are saved in this folder."""
    with contextlib.chdir(folder):
        return asyncio.run(_screens(walk))


def as_text(screens: list[tuple[str, str]]) -> str:
    """The screens in one file."""
    return "".join(f"{_HEAD}{text or 'start'}\n{screen}\n" for text, screen in screens)


def stored(name: str) -> list[str]:
    """The stored screens of a walk."""
    text = (STORED / f"{name}.txt").read_text(encoding="utf-8")
    return [part.partition("\n")[2] for part in text.split(_HEAD)[1:]]


def screen_block(argument: str) -> str:
    """A stored screen for a document: the name of the walk, and how many keys and lines after its start."""
    name, at = argument.split()
    return f"```text\n{stored(name)[int(at)]}```"


def key_table() -> str:
    """Every key."""
    return table(["key", "what it does"], [[", ".join(entry.shown), entry.does] for entry in KEYS])


def limits() -> str:
    """What a search goes over."""
    from proofs.play.lookahead import MOST_EVENTS, MOST_TRIED, TINY

    return (
        f"On a host of at most {TINY} pages the search goes over every small event, on a larger one over those that"
        f"\nare listed under *next* in each state; {MOST_EVENTS} events in a row and {MOST_TRIED:,} in all at most."
    )


def _texts() -> Iterator[tuple[str, str]]:
    for name, walk in WALKS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield name, as_text(played(walk, Path(folder)))


def main(arguments: list[str]) -> int:
    """Write the screens; `make documents` then enters them in the document."""
    output = Output(parser("explore", __doc__).parse_args(arguments).check)
    for name, text in _texts():
        output.write(STORED / f"{name}.txt", text)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
