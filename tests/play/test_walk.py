"""The tree of lines without the screen: what a line does at a place, forks, saving, and what may come next."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from msgspec import UNSET

from proofs.play.drawing import host_lines
from proofs.play.lookahead import Lookahead, StartPoint, offers_at, report, start_at
from proofs.play.opening import opened
from proofs.play.saving import UnsavableWalkError, save, script
from proofs.play.walk import Walk, WalkLine
from proofs.script.playing import ScriptResult, play_script, play_trace, whole
from proofs.script.reading import trace_in
from proofs.script.session import Session
from proofs.script.syntax import ScriptError
from proofs.traces import TraceError

REDEEM = Path("tests/data/scripts/redeem.claims")
FINDING = Path("tests/data/findings/claim-sets/host-backed.jsonl")
RACE = ("host 1", "d1 create max=1", "A: d1 claim 1", "d1 kill", "A: continue")


def walk_of(*lines: str, generations: tuple[str | None, ...] = (None,)) -> Walk:
    walk = Walk("typed", generations)
    for line in lines:
        assert walk.type(line)
    return walk


def start_of(*lines: str) -> StartPoint:
    start = start_at(walk_of(*lines).here)
    assert start is not None
    return start


def run_again(text: str) -> ScriptResult:
    session = Session("saved")
    return whole(session, play_script(session, text.splitlines()))


def texts(walk: Walk) -> list[str]:
    return [place.line.text for place in walk.here.path()]


def test_line_after_undo_begins_a_branch() -> None:
    walk = walk_of("host 4", "d1 create max=4", "d1 claim 3@0", "d1 populate 1")
    assert walk.undo()
    assert walk.undo()
    assert walk.type("d1 claim 4@0")
    assert walk.views[0].domains[0].claims == ["4@0"]
    assert walk.turn()
    assert texts(walk) == ["host 4", "d1 create max=4"]
    assert [place.line.text for place in walk.ahead()] == ["d1 claim 3@0", "d1 populate 1"]
    assert walk.step()
    assert walk.type("d1 claim 2@0")
    assert (walk.views[0].word, walk.views[0].domains[0].claims) == ("OK", ["2@0"])


def test_new_line_in_a_former_place_runs_from_there() -> None:
    """The session stands elsewhere: it is run again up to the place."""
    walk = walk_of("host 4", "d1 create max=4", "d1 alloc as x", "d1 alloc as y", "free y")
    walk.undo()
    walk.undo()
    assert walk.type("free x")
    assert walk.views[0].domains[0].pages == 0
    with pytest.raises(ScriptError, match="no allocation is named 'y'"):
        walk.type("free y")


def test_undo_at_the_beginning_and_step_at_the_end() -> None:
    walk = walk_of("host 4")
    assert not walk.step()
    assert not walk.turn()
    assert walk.undo()
    assert not walk.undo()
    assert walk.step()
    assert not walk.type("  # a comment")


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("d1 claim 3@@0", 12, "unexpected '@'"),
        ("d1 clam 3@0", 4, "did you mean claim?"),
        ("A: continue", 4, "impossible"),
        ("host 4", 1, "there is a host already"),
    ],
)
def test_line_that_cannot_be_run_changes_nothing(line: str, column: int, reason: str) -> None:
    walk = walk_of("host 4", "d1 create max=4")
    before = walk.here
    with pytest.raises(ScriptError, match=re.escape(reason)) as raised:
        walk.type(line)
    assert raised.value.column == column
    assert walk.here is before
    assert not before.next
    assert walk.type("d1 claim 3@0")


def test_domain_being_killed_may_hold_claims() -> None:
    walk = walk_of("host 4", "d1 create max=4", "d1 claim 3@0", "A: d1 kill")
    view = walk.views[0]
    assert (view.domains[0].claims, view.domains[0].state) == (["3@0"], "dying")
    assert view.broken == {}
    assert view.builders[0].holds == ["domctl_lock"]
    assert walk.type("A: continue")
    assert (walk.views[0].builders, walk.views[0].domains[0].claims) == ([], [])


def test_call_that_no_caller_makes_is_marked_and_not_offered() -> None:
    walk = walk_of("host 1", "d1 create max=1", "d1 claim 1@0", "A: d1 kill")
    assert walk.views[0].has_model
    words = {offer.text.split()[1] for offer in offers_at(walk.here) if offer.text.startswith("d")}
    assert words == {"take"}, "the domctl lock is held"
    assert walk.type("d1 forget")
    assert not walk.views[0].has_model
    assert "without the model" in host_lines(walk.views[0], 80, named=False).plain


def test_builder_shows_the_locks_that_it_took() -> None:
    walk = walk_of("host 4", "d1 create max=4", "A: d1 populate 1", "A: continue")
    (builder,) = walk.views[0].builders
    assert builder.line == "d1 populate 1"
    assert builder.holds == []
    assert builder.sections[0] == ["page_alloc_lock of d1"]
    assert any("heap_lock" in locks for locks in builder.sections[1:])


def test_second_generation_may_be_unable_to_run_a_line() -> None:
    walk = walk_of("host 4 4", "d1 create max=4", "d1 claim 1@0 1@1", generations=("claim-sets", "legacy-2013"))
    one, other = walk.views
    assert (one.word, one.error) == ("OK", "")
    assert "legacy-2013" in other.error or other.error
    assert other.domains[0].claims == []
    assert walk.type("d1 claim 2@host")
    assert [view.word for view in walk.views] == ["OK", "OK"]


def test_first_generation_that_cannot_run_a_line_refuses_it() -> None:
    walk = walk_of("host 4 4", "d1 create max=4", generations=("legacy-2013", "claim-sets"))
    with pytest.raises(ScriptError):
        walk.type("d1 claim 1@0 1@1")
    assert walk.type("d1 claim 2@host")
    assert [view.bars[-1].host_wide for view in walk.views] == [{"d1": 2}, {"d1": 2}]


def test_script_is_opened_with_its_comments_and_saved_again() -> None:
    walk = opened(str(REDEEM), REDEEM.read_bytes(), (None,))
    assert texts(walk) == []
    while walk.step():
        pass
    text = script(walk)
    assert text.startswith(REDEEM.read_text().partition("\n")[0])
    assert "d2 claim 2@0 => ENOMEM          # 4 free - 3 claimed\n" in text
    assert run_again(text).is_as_expected


def test_finding_is_opened_and_its_script_expects_the_breaks() -> None:
    walk = opened(str(FINDING), FINDING.read_bytes(), (None,))
    while walk.step():
        pass
    assert set(walk.views[0].broken) == {"host-backed", "dead-hold-nothing", "aggregates-agree"}
    text = script(walk)
    assert text.count("expect breaks ") == 3
    assert run_again(text).is_as_expected


def test_break_that_the_script_expects_is_said_once() -> None:
    lines = [*RACE[:-1], "A: continue => OK", "expect breaks dead-hold-nothing"]
    assert script(walk_of(*lines)).splitlines()[-2:] == lines[-2:]


def test_host_of_a_trace_is_booted_as_its_header_says() -> None:
    """A script has no word for what claim-trace/1 leaves open."""
    recorded = Path("tests/data/conformance/claim-sets.jsonl.gz")
    walk = opened(recorded.name, recorded.read_bytes(), (None,))
    while walk.views[0].header is None:
        assert walk.step()
    assert walk.views[0].header.host.last_alloc_node is UNSET
    assert len(list(walk.ahead())) > 100


def test_script_says_the_generation_that_the_option_gave() -> None:
    walk = walk_of("generation claim-sets", "host 4", generations=("per-node-v8",))
    assert script(walk) == "generation per-node-v8\nhost 4\n"
    assert script(walk_of("host 4", generations=("per-node-v8",))) == "generation per-node-v8\nhost 4\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"host 4\nd1 create max=\n", "f:2:15: "),
        (b"host 4\n\xff\n", "f:2: not UTF-8 text"),
        (b'{"format":"claim-trace/2"}\n', "f:1: "),
        (b'{"format":', "f:1: "),
    ],
)
def test_malformed_file_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises((ScriptError, TraceError)) as raised:
        opened("f", content, (None,))
    assert message in str(raised.value)


def test_walk_is_saved_as_trace_and_mail(tmp_path: Path) -> None:
    walk = walk_of(*RACE)
    trace, mail = tmp_path / "race.jsonl", tmp_path / "race.txt"
    assert save(walk, str(trace)) == save(walk, str(mail)) == ""
    session = Session("saved")
    with trace_in("saved", trace.read_bytes()) as read:
        result = whole(session, play_trace(session, read))
    assert result.is_as_expected
    assert set(session.broken) == {"dead-hold-nothing"}
    text = mail.read_text()
    assert "Violated: dead-hold-nothing, at event 4" in text
    assert "  A: d1 claim 1\n  d1 kill => OK\n  A: continue => OK\n  expect breaks dead-hold-nothing\n" in text


def test_saving_says_what_run_has_against_the_script(tmp_path: Path) -> None:
    walk = walk_of("host 4", "d1 create max=4", "d1 claim 3@0 => ENOMEM")
    assert save(walk, str(tmp_path / "x.claims")) == "line 3: expected ENOMEM, got OK"
    walk.undo()
    assert save(walk, str(tmp_path / "x.claims")) == ""


@pytest.mark.parametrize(
    ("file", "reason"),
    [("x.md", "the name ends in one of: .claims"), ("a/x.claims", "a/x.claims: "), ("x.jsonl", "needs a host first")],
)
def test_unsavable_walk_says_why(file: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(UnsavableWalkError, match=reason):
        save(Walk("typed"), str(tmp_path / file))


@pytest.mark.parametrize(
    "lines", [RACE[:2], RACE[:4], ("host 2 1", "d1 create max=3", "d1 claim 1@0", "A: d1 populate 1")]
)
def test_offers_do_what_they_say(lines: tuple[str, ...]) -> None:
    """Each operation, run where it is listed, has the outcome listed, and breaks what is listed."""
    walk = walk_of(*lines)
    place, broken = walk.here, set(walk.views[0].broken)
    offers = offers_at(place)
    assert len({offer.text for offer in offers}) == len(offers) > 8
    for offer in offers[::3]:
        walk.here = place
        walk.type(offer.text)
        view = walk.views[0]
        assert (offer.text, offer.word, set(offer.breaks)) == (offer.text, view.word, set(view.broken) - broken)


def test_offers_of_a_large_host_are_few() -> None:
    offers = offers_at(walk_of("host 16GiB 16GiB", "d1 create max=16GiB", "d1 claim 8GiB@0", "A: d1 populate 1").here)
    assert 15 < len(offers) < 60
    assert offers[0].text == "A: continue"
    assert {"d1 populate 8 order=18 node=0", "d2 create max=8388608", "offline 0"} <= {offer.text for offer in offers}


@pytest.mark.parametrize("generation", ["legacy-2013", "single-node-v4", "mainline-4.22", "per-node-v8"])
def test_offers_exist_in_every_kind_of_generation(generation: str) -> None:
    walk = walk_of("host 2 1", "d1 create max=3", generations=(generation,))
    words = {offer.text.split()[1] for offer in offers_at(walk.here) if offer.text.startswith("d1 ")}
    assert {"claim", "populate", "limit", "kill"} <= words
    others = {"legacy-2013": "d1 claim 1", "mainline-4.22": "d1 claim 1", "single-node-v4": "d1 claim 1@255"}
    claim = others.get(generation, "d1 claim 1@host")  # 255 is NUMA_NO_NODE: the host
    for line in (claim, "d1 populate 1", "d1 kill"):
        assert line in {offer.text for offer in offers_at(walk.here)}
        assert walk.type(line)


def test_large_numbers_fit_in_80_columns() -> None:
    walk = walk_of("host 16GiB 16GiB", "d1 create max=16GiB", "d2 create max=8GiB", "d1 claim 6GiB@0 1GiB@host")
    walk.type("d2 claim 1GiB@0 1GiB@1 1GiB@host")
    lines = host_lines(walk.views[0], 80, named=False).plain.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].endswith("claimed 1835008  unclaimed 2359296/4194304")


def test_first_lines_are_offered_where_there_is_no_host() -> None:
    walk = Walk("typed")
    for offer in offers_at(walk.here):
        assert walk.type(offer.text)
        walk.undo()


def test_nothing_is_offered_after_a_crash() -> None:
    crash = Path("tests/data/reports/8-claim-of-7-of-16-stops.claims")
    walk = opened(crash.name, crash.read_bytes(), (None,))
    while walk.step():
        pass
    assert walk.views[0].stopped
    assert "no-crash" in walk.views[0].broken
    assert offers_at(walk.here) == []
    assert start_at(walk.here) is None


def test_found_break_can_be_stepped_to() -> None:
    walk = walk_of("host 1", "d1 create max=1", "A: d1 claim 1")
    start = start_at(walk.here)
    assert start is not None
    *_, found = Lookahead(start, "dead-hold-nothing").find(threading.Event())
    assert (len(found.lines), found.violation.partition(":")[0]) == (2, "dead-hold-nothing")
    walk.load([WalkLine(line) for line in found.lines])
    assert walk.step()
    assert "dead-hold-nothing" not in walk.views[0].broken
    assert walk.step()
    assert "dead-hold-nothing" in walk.views[0].broken


def test_search_passes_over_what_is_broken_already() -> None:
    start = start_of(*RACE)
    assert start.broken == {"dead-hold-nothing"}
    *_, found = Lookahead(start).find(threading.Event())
    assert found.violation.partition(":")[0] not in ("", "dead-hold-nothing")


def test_search_ends_at_its_limit_and_says_so() -> None:
    walk = walk_of("host 1", "d1 create max=1")
    start = start_at(walk.here)
    assert start is not None
    *_, found = Lookahead(start, "node-backed").find(threading.Event(), most_tried=100)
    assert (found.lines, found.why_ended) == ([], "100 events tried")
    assert report(found, walk.here).startswith(f"No break within {found.events} event")
    assert "That is no proof." in report(found, walk.here)


def test_stopped_search_says_so() -> None:
    stop = threading.Event()
    stop.set()
    *_, found = Lookahead(start_of("host 1", "d1 create max=1")).find(stop)
    assert (found.lines, found.events, found.why_ended) == ([], 0, "stopped")


def test_domain_created_while_others_are_in_flight() -> None:
    """The search puts back a state from before a domain, and runs its creation again."""
    start = start_of("host 1", "d1 create max=1", "A: d1 claim 1", "d2 create max=1")
    *_, found = Lookahead(start, "dead-hold-nothing").find(threading.Event())
    assert found.lines[-1] == "A: continue"
