"""The benchmark runs on tiny sizes and writes its document. What it measures is not judged here."""

import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.effort import Effort
from bench.measurements import MEASUREMENTS
from bench.report import Section, Target, document, rate
from bench.timing import Times, in_turn
from proofs.traces import read_traces
from tests.sampled import sampled

TINY = Effort(
    rounds=1,
    many_rounds=1,
    pairs=1,
    nodes=2,
    node_pages=2**22,
    holes=4,
    fuzz_steps=10,
    fuzz_rounds=1,
    fuzz_generations=("claim-sets",),
    traces=str(Path("tests/data/examples/redeem.jsonl").resolve()),
)


@pytest.mark.parametrize("left_out", sampled(["outside", ""], keep={"outside"}))
def test_whole_run_writes_every_section_and_plot(
    left_out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default without the measurement that compiles a C program and starts others."""
    monkeypatch.delitem(MEASUREMENTS, left_out, raising=False)
    recorded = tmp_path / "recorded.jsonl"
    for trace in read_traces("tests/data/conformance/claim-sets.jsonl.gz"):  # the C program reads claim-trace/1
        assert len(list(islice(trace, 40))) == 40
        recorded.write_bytes(b"".join(trace.raw))
        break
    monkeypatch.setattr(command, "QUICK", replace(TINY, traces=str(recorded)))
    command.main(["--quick", "--output", str(tmp_path)])
    page = (tmp_path / "performance.md").read_text()
    assert page.count("\n## ") == 1 + len(MEASUREMENTS)  # one more: the targets
    assert " events in 1 recorded traces, " in page
    assert " 0 divergences" in page
    assert "| 4 GiB |" in page
    image = (tmp_path / "img" / "allocation-cost.svg").read_text()
    assert image.startswith("<?xml")
    assert "(img/allocation-cost.svg)" in page


def test_partial_run_is_shown_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "FULL", TINY)
    monkeypatch.chdir(tmp_path)
    command.main(["--only", "replay"])
    assert "## Replay" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_missed_target_is_highlighted() -> None:
    section = Section(
        "S", "text", ["a", "b"], [["x", "1"]], [Target("t", "2", "1", False), Target("u", "1", "1", True)]
    )
    page = document([section], "make bench")
    assert "| t | 2 | 1 | **no** |" in page
    assert "| u | 1 | 1 | yes |" in page
    assert "| a | b |\n| --- | ---: |\n| x | 1 |" in page


def test_document_says_the_day_of_its_run() -> None:
    page = document([], "make bench")
    assert re.search(r"^Measured on \d{4}-\d\d-\d\d with the code of that day: ", page, re.MULTILINE)


@pytest.mark.parametrize(("per_second", "shown"), [(12.3, "12"), (61_234.5, "61,200"), (325_777, "326,000")])
def test_rates_have_three_significant_digits(per_second: float, shown: str) -> None:
    assert rate(per_second) == shown


def test_rounds_alternate_subjects_and_skip_the_first() -> None:
    seen: list[str] = []
    ticks = iter([0, 9, 0, 9, 0, 1, 0, 2, 0, 3, 0, 4])  # start and end of a, b, in three rounds
    times = in_turn(
        {"a": lambda: seen.append("a"), "b": lambda: seen.append("b")},
        2,
        before={"b": lambda: seen.append("before b")},
        clock=lambda: next(ticks),
    )
    assert seen == ["a", "before b", "b"] * 3
    assert times["a"].seconds == [1, 3]
    assert times["b"].seconds == [2, 4]
    assert (times["b"].best, times["b"].median) == (2, 3)
    assert times["b"].over(times["a"]) == pytest.approx((2 + 4 / 3) / 2)
    assert Times().seconds == []
