"""What an event does not observe is not compared and counted; what it observes is compared as ever."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from proofs.cli.explain import explain
from proofs.cli.replay import replay
from proofs.file_replay import FileResult, replay_file
from proofs.replay.log import LogError, replay_lines

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests/data/examples/redeem.jsonl"
LOG, READER = ROOT / "tests/data/examples/xl.log", ROOT / "tests/data/examples/xl_log.py"
HEADER = {"semantics": "claim-sets", "host": {"nodes": [8, 8]}}
Lines = list[dict[str, Any]]


def edited(edit: Callable[[Lines], object], tmp_path: Path, form: str = "claim-trace/2") -> FileResult:
    """The example in a format, edited, and replayed."""
    lines = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
    lines[0]["format"] = form
    if form == "claim-trace/1":
        del lines[0]["host"]["last_alloc_node"]
    edit(lines)
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return replay_file(str(path))


def without_states(lines: Lines) -> None:
    for line in lines[1:]:
        line.pop("state")


EDITS: dict[str, tuple[Callable[[Lines], object], int]] = {
    "no state": (lambda lines: lines[2].pop("state"), 12),
    "no states": (without_states, 42),
    "no host counter": (lambda lines: lines[3]["state"].pop("total_avail_pages"), 1),
    "no domains": (lambda lines: lines[3]["state"].pop("domains"), 6),
    "no counter of a domain": (lambda lines: lines[3]["state"]["domains"]["1"].pop("tot_pages"), 1),
    "no claims": (
        lambda lines: (lines[3]["state"]["domains"]["1"].pop("claims"), lines[3]["state"].update(partial=True)),
        2,
    ),
    "no result": (lambda lines: lines[3].pop("result"), 1),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_is_not_observed_is_counted(name: str, tmp_path: Path) -> None:
    whole = edited(lambda _: None, tmp_path)
    assert (whole.comparisons, whole.not_observed) == (45, 0)
    edit, missing = EDITS[name]
    result = edited(edit, tmp_path)
    assert (result.error, result.divergences, result.not_observed) == (None, [], missing)
    assert result.comparisons == 45 - missing


@pytest.mark.parametrize("name", [name for name in EDITS if name != "no claims"])
def test_claim_trace_1_needs_every_observation(name: str, tmp_path: Path) -> None:
    error = edited(EDITS[name][0], tmp_path, "claim-trace/1").error
    assert error is not None
    assert "missing" in error


def test_whole_state_needs_every_counter_of_its_generation(tmp_path: Path) -> None:
    (written,) = edited(lambda lines: lines[3]["state"]["domains"]["1"].pop("claims"), tmp_path).divergences
    assert (written.divergence.field, written.divergence.observed) == ("state.domains.1.claims", "absent")


@pytest.mark.parametrize(
    ("state", "field", "expected", "observed"),
    [
        ({"total_avail_pages": 7}, "state.total_avail_pages", 8, 7),
        ({"node_outstanding_claims": [3, 1]}, "state.node_outstanding_claims[1]", 0, 1),
        ({"domains": {"1": {"node_claims": 2}}}, "state.domains.1.node_claims", 3, 2),
        ({"domains": {"7": {"tot_pages": 0}}}, "state.domains.7", "absent", {"tot_pages": 0}),
        ({"domains": {"1": {"outstanding_pages": 3}}}, "state.domains.1.outstanding_pages", "absent", 3),
    ],
)
def test_partial_observation_that_differs_is_a_divergence(
    state: dict[str, Any], field: str, expected: object, observed: object, tmp_path: Path
) -> None:
    (written,) = edited(lambda lines: lines[3].update(state=state), tmp_path).divergences
    found = written.divergence
    assert (found.line, found.field, found.expected, found.observed) == (4, field, expected, observed)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"node_avail_pages": [8]}, "field `state.node_avail_pages` must have 2 numbers"),
        ({"total_avail_pages": "many"}, "Expected `int`, got `str` - at field `state.total_avail_pages`"),
        ({"free": 3}, "Object contains unknown field `free` - at field `state`"),
        ([], "Expected `object`, got `array` - at field `state`"),
    ],
)
def test_malformed_partial_state_is_an_error(state: object, reason: str, tmp_path: Path) -> None:
    error = edited(lambda lines: lines[3].update(state=state), tmp_path).error
    assert error is not None
    assert error.endswith(f"trace.jsonl:4: {reason}")


CRASHING: Lines = [
    {"format": "claim-trace/2", "semantics": "single-node-v4", "source": "", "host": {"node_span": 1, "nodes": [1]}},
    {"op": "boot"},
    {"op": "create_domain", "domid": 0, "max_pages": 2, "node_affinity": [0]},
    {"op": "set_outstanding_pages", "domid": 0, "pages": 1, "node": 0},
    {"op": "offline_page", "mfn": 0},
    {"op": "alloc_heap_pages", "domid": 0, "order": 0, "node": 0, "memflags": []},
]


@pytest.mark.parametrize("more", [{}, {"mfn": None}, {"state": {"total_avail_pages": 0}}])
def test_crash_is_a_divergence_where_something_was_observed(more: dict[str, Any], tmp_path: Path) -> None:
    result = edited(lambda lines: lines.__setitem__(slice(None), [*CRASHING[:-1], CRASHING[-1] | more]), tmp_path)
    assert [w.divergence.field for w in result.divergences] == (["crash"] if more else [])
    assert len(result.crashes) == (0 if more else 1)


def test_event_after_an_unobserved_crash_is_a_divergence(tmp_path: Path) -> None:
    after = {"op": "set_max_pages", "domid": 0, "max_pages": 3}
    (written,) = edited(lambda lines: lines.__setitem__(slice(None), [*CRASHING, after]), tmp_path).divergences
    assert (written.divergence.event, written.divergence.field, written.divergence.line) == (4, "crash", 6)


def call(*words: str) -> tuple[int, str]:
    outcome = CliRunner().invoke({"explain": explain, "replay": replay}[words[0]], words[1:])
    return outcome.exit_code, outcome.output


def test_explain_shows_the_state_of_the_reference() -> None:
    code, out = call("explain", str(ROOT / "tests/data/reports/r8-cm016-v4.jsonl"))
    assert code == 0
    assert "offline_page(mfn=9)  => OFFLINED  (not observed)" in out
    assert "total_avail_pages 7 -> 6" in out
    assert "CRASH: BUG_ON: claims > avail_pages  (not observed)" in out
    assert "not observed" not in call("explain", str(EXAMPLE))[1]


def test_explain_names_an_impossible_event(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(
        "".join(json.dumps(line) + "\n" for line in [*CRASHING[:3], {"op": "free_domheap_pages", "mfn": 0, "order": 0}])
    )
    code, out = call("explain", str(path))
    assert (code, "trace.jsonl:4: free_domheap_pages: " in out) == (2, True)


def test_example_log_replays_with_its_reader() -> None:
    code, out = call("replay", "--reader", str(READER), str(LOG))
    assert code == 0
    assert "9 events with boot, 12 comparisons, 0 divergences, 81 not observed, 2 lines unread" in " ".join(out.split())
    (result,) = json.loads(call("replay", "--json", "--reader", str(READER), str(LOG))[1])["files"]
    assert (result["comparisons"], result["not_observed"], result["unread"]) == (12, 81, 2)


def test_reader_is_shorter_than_40_lines_and_on_the_page() -> None:
    text = READER.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    page = (ROOT / "docs/own-logs.md").read_text(encoding="utf-8")
    assert text in page
    assert LOG.read_text(encoding="utf-8") in page


def test_divergence_in_a_log_names_its_line(tmp_path: Path) -> None:
    log = tmp_path / "xl.log"
    log.write_text(LOG.read_text().replace("free_memory            : 3584", "free_memory            : 3585"))
    code, out = call("replay", "--divergences", str(tmp_path), "--reader", str(READER), str(log))
    assert code == 1
    text = "".join(out.split())
    assert f"{log}:8:seed0,event5populate_physmap:state.total_avail_pages:expected3584,observed3585" in text


@pytest.mark.parametrize(
    ("reader", "log", "said"),
    [
        ("x = 1", "a", "reader.py: has no function `parse`"),
        ("def parse(line): return {", "a", "reader.py:1: SyntaxError"),
        ("HEADER = {}[1]", "a", "reader.py:1: KeyError: 1"),
        ("def parse(line): return None", "a", "own.log: nothing says the generation"),
        ("def parse(line): return line[7]", "a", "own.log:1: the reader ends with IndexError"),
        ("def parse(line): return {'op': 'boot'}", "a", "own.log:1: an event before the header"),
        ("HEADER = {}\ndef parse(line): return None", "a", "own.log: the header needs `host`"),
        ("H", "\nno-such-op", "own.log:2: unknown op 'no-such-op'"),
        ("H", "\n\nfree_domheap_pages", "own.log:3: Object missing required field `mfn`"),
        ("HEADER = {'semantics': 'x', 'host': {'nodes': [4]}}\ndef parse(line): return {}", "a", "own.log:1: neither"),
        (
            "HEADER = {'semantics': 'x', 'host': {'nodes': [4]}}\ndef parse(line): return {'op': 'boot'}",
            "a",
            "unknown 'x'",
        ),
        (
            "HEADER = {'semantics': 'x', 'host': {'nodes': [4]}, 1j: 2}\ndef parse(line): return None",
            "a",
            "JSON does not",
        ),
    ],
)
def test_bad_log_or_reader_is_one_line(reader: str, log: str, said: str, tmp_path: Path) -> None:
    if reader == "H":
        reader = f"HEADER = {HEADER!r}\ndef parse(line):\n    return {{'op': line}} if line else None\n"
    (tmp_path / "reader.py").write_text(reader)
    (tmp_path / "own.log").write_text(log)
    code, out = call("replay", "--reader", str(tmp_path / "reader.py"), str(tmp_path / "own.log"))
    assert code == 2
    assert said in out
    assert "Traceback" not in out


def test_missing_log_or_reader_is_named(tmp_path: Path) -> None:
    for words in (["--reader", str(READER), "/none/x.log"], ["--reader", "/none/r.py", str(LOG)]):
        code, out = call("replay", *words)
        assert code == 2
        assert "No such file or directory" in out


def test_lines_are_replayed_from_python() -> None:
    def parse(line: str) -> Any:
        name, _, rest = line.partition(" ")
        if name == "claim":
            claims = [{"pages": 3, "target": 0}]
            return [{"op": "create_domain", "domid": 1, "max_pages": 4, "node_affinity": [0]},
                    {"op": "claim_memory", "domid": 1, "claims": claims, "result": rest}]  # fmt: skip
        return {"state": {"node_outstanding_claims": json.loads(rest)}} if name == "claims" else None

    result = replay_lines(["claim OK", "claims [3, 0]", "end"], parse, HEADER)
    assert (result.events, result.comparisons, result.divergence) == (3, 3, None)
    wrong = replay_lines(["", "claim OK", "claims [2, 0]"], parse, HEADER, "own.log").divergence
    assert wrong is not None
    assert (wrong.file, wrong.line, wrong.expected, wrong.observed) == ("own.log", 2, 3, 2)
    with pytest.raises(LogError, match=r"own.log:2: field `state.node_outstanding_claims` must have 2 numbers"):
        replay_lines(["claim OK", "claims [3]"], parse, HEADER, "own.log")
    with pytest.raises(LogError, match=r"own.log:2: the reader ends with JSONDecodeError"):
        replay_lines(["claim OK", "claims ["], parse, HEADER, "own.log")
