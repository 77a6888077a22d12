"""The application in Textual's pilot: the walks of the document, keys, and what is wrong with a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("textual")

from click.testing import CliRunner
from textual.pilot import Pilot
from textual.widgets import Input

from docs._make import explore as made
from proofs.cli.main import claimcheck
from proofs.play.app import ExploreApp, WalkOrigin
from proofs.play.choice_list import ChoiceList
from proofs.play.keys import KEYS
from proofs.script.playing import play_script, whole
from proofs.script.session import Session
from tests.sampled import sampled

Played = Callable[[str], tuple[Path, list[tuple[str, str]]]]
Steps = Callable[[ExploreApp, Pilot[str]], Awaitable[None]]


def play(steps: Steps, content: bytes = b"", name: str = "typed", size: tuple[int, int] = made.SIZE) -> ExploreApp:
    """The application after these steps."""
    app = ExploreApp(WalkOrigin(name, content))

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await made.settled(app, pilot)
            await steps(app, pilot)

    asyncio.run(run())
    return app


def line_of(app: ExploreApp) -> Input:
    return app.query_one("#line", Input)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Where a walk saved its files, and its screens; each walk is played once."""

    @cache
    def of_walk(name: str) -> tuple[Path, list[tuple[str, str]]]:
        folder = tmp_path_factory.mktemp(name)
        return folder, made.played(made.WALKS[name], folder)

    return of_walk


@pytest.mark.parametrize("name", sampled(made.WALKS, keep={"break"}))
def test_walk_shows_the_stored_screens(name: str, played: Played) -> None:
    screens = played(name)[1]
    text = made.as_text(screens)
    assert text == (made.STORED / f"{name}.txt").read_text(encoding="utf-8"), "run python -m docs._make.explore"
    assert all(len(line) <= made.SIZE[0] for line in text.splitlines() if not line.startswith("==="))
    assert all(screen.count("\n") + 1 == made.SIZE[1] for _, screen in screens)


def test_break_found_in_the_walk_is_accepted_by_run(played: Played) -> None:
    session = Session("walk.claims")
    text = (played("break")[0] / "walk.claims").read_text()
    assert text.endswith("A: continue => OK\nexpect breaks dead-hold-nothing\n")
    assert whole(session, play_script(session, text.splitlines())).is_as_expected


def test_every_key_is_bound_and_listed() -> None:
    bound = {
        key: binding.action
        for binding in ExploreApp.BINDINGS
        for key in binding.key.split(",")  # type: ignore[union-attr]  # all are bindings
    }
    assert bound == {key: entry.action for entry in KEYS for key in entry.keys if entry.action}
    assert len({key for entry in KEYS for key in entry.keys}) == sum(len(entry.keys) for entry in KEYS)
    for entry in KEYS:
        assert [shown.lower().replace("ctrl-", "ctrl+") for shown in entry.shown] == [
            {"escape": "esc", "pageup": "pgup", "pagedown": "pgdn"}.get(key, key) for key in entry.keys
        ]
        if entry.action:
            assert callable(getattr(ExploreApp, f"action_{entry.action.partition('(')[0]}"))


def test_every_key_is_in_the_document_and_in_the_help() -> None:
    from proofs.play.help_screen import key_lines

    document = (made.ROOT / "docs/explore.md").read_text(encoding="utf-8")
    assert made.key_table() in document
    for entry in KEYS:
        assert ", ".join(entry.shown) in key_lines()


def test_function_keys_do_the_same() -> None:
    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        assert app.walk is not None
        await pilot.press("f2", "f2", "f4", "f3")
        await made.settled(app, pilot)
        assert [place.line.text for place in app.walk.here.path()] == ["host 4", "d1 create max=4"]
        assert next(app.walk.ahead()).line.text == "d1 claim 3@0"

    play(steps, b"host 4\nd1 create max=4\nd1 claim 3@0\n")


def test_malformed_line_stays_and_shows_the_column() -> None:
    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 4")
        await made.typed(app, pilot, "d1 create max=4 4")
        screen = await made.settled(app, pilot)
        assert "> d1 create max=4 4" in screen
        assert "column 17: " in screen
        assert line_of(app).cursor_position == 16
        await pilot.press("backspace", "delete", "enter")
        assert "2 d1 create max=4  OK" in await made.settled(app, pilot)

    play(steps)


def test_choices_are_narrowed_and_taken_by_keys() -> None:
    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 2")
        await made.typed(app, pilot, "d1 create max=2")
        await made.typed(app, pilot, "d1 claim 2@0")
        await made.settled(app, pilot)
        await pilot.press(*"d1", "space", *"li")
        await pilot.pause()
        listed = app.query_one(ChoiceList)
        assert listed.option_count == 1
        await pilot.press("down")
        screen = await made.settled(app, pilot)
        assert "> d1 limit 1" in screen
        assert "would break entitlement" in screen
        await pilot.press("up")
        assert line_of(app).value == "d1 li"
        await pilot.press("down", "enter")
        assert "4 d1 limit 1  OK" in await made.settled(app, pilot)
        assert line_of(app).value == ""

    play(steps)


@pytest.mark.long
def test_one_search_runs_until_escape_stops_it() -> None:
    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 2 1")
        await made.typed(app, pilot, "d1 create max=3")
        await made.settled(app, pilot)
        app.action_find("aggregates-agree")
        await pilot.pause()
        await pilot.press("ctrl+f")
        await pilot.press("escape")
        assert "ended: stopped." in await made.settled(app, pilot)
        assert app.walk is not None
        assert not list(app.walk.ahead()), "a second search has found something"

    play(steps)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"host 4\nd1 create max=\n", "x.claims:2:15: the line ends too early"),
        (b'{"format":"claim-trace/9"}\n', "x.claims:1: unknown format 'claim-trace/9'"),
    ],
)
def test_malformed_file_ends_with_2_and_one_line(content: bytes, problem: str) -> None:
    app = ExploreApp(WalkOrigin("x.claims", content))

    async def run() -> None:
        async with app.run_test() as pilot:
            while app.return_code is None:
                await pilot.pause(0.01)

    asyncio.run(run())
    assert app.return_code == 2
    assert app.problem.startswith(problem)
    assert "\n" not in app.problem


def test_walk_that_is_not_saved_is_the_result() -> None:
    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 4")
        await pilot.press("ctrl+c")

    assert play(steps).return_value == "host 4\n"


def test_walk_from_a_file_or_saved_is_not_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def only_step(app: ExploreApp, pilot: Pilot[str]) -> None:
        await pilot.press("ctrl+n", "ctrl+q")

    async def saved(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 4")
        await pilot.press("ctrl+s", "enter", "ctrl+q")

    assert play(only_step, b"host 4\n").return_value == ""
    assert play(saved).return_value == ""
    assert (tmp_path / "walk.claims").read_text() == "host 4\n"


def test_existing_file_is_replaced_only_after_a_second_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "walk.claims"
    file.write_text("mine\n")

    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 4")
        await pilot.press("ctrl+s", "enter")
        await pilot.pause()
        assert file.read_text() == "mine\n"
        assert "Enter again replaces it" in made.screen_of(app)
        await pilot.press("enter")

    play(steps)
    assert file.read_text() == "host 4\n"


def test_small_terminal_still_shows_line_and_footer() -> None:
    async def steps(app: ExploreApp, pilot: Pilot[str]) -> None:
        await made.typed(app, pilot, "host 4 4 4 4 4 4 4 4")
        screen = await made.settled(app, pilot)
        assert "\n>\n" in screen
        assert "Quit" in screen

    play(steps, size=(60, 20))


def test_missing_package_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    done = CliRunner().invoke(claimcheck, ["explore"], standalone_mode=False)
    assert "explore needs Textual: pip install 'claimcheck[explore]'" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-file"], "no-such-file: No such file or directory"),
        (["--generation", "claim-set"], "did you mean 'claim-sets'?"),
        (["--generation", "claim-sets"] * 3, "one generation, or two"),
        ([], "explore needs a terminal; `claimcheck run` runs a script without one"),
    ],
)
def test_wrong_use_is_named_in_one_line(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(claimcheck, ["explore", *arguments], standalone_mode=False)
    assert message in str(done.exception)
