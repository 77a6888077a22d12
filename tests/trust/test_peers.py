"""The other checkers agree on the smallest hosts, find what is planted, and say where they stop."""

import json
import re
import shutil
from pathlib import Path

import pytest

from bench.peers import __main__ as command
from bench.peers import explicit, ours, promela, spin
from bench.peers.subject import MISTAKES, PROPERTIES, SMALLEST, STEPS, Outcome, Size
from docs._make.blocks import renewed
from model.named import GENERATIONS
from model.properties import PROPERTIES as ALL_PROPERTIES
from proofs.evidence.dated import is_older
from proofs.mistakes.in_rules import RULES
from proofs.obligations.obligation import bounded
from proofs.obligations.suite import suite
from tests.sampled import sampled

ONE, TWO = SMALLEST
needs_spin = pytest.mark.skipif(bool(spin.missing()), reason=f"SPIN: {spin.missing()}")


def test_names_sent_to_peers_exist() -> None:
    assert set(STEPS) <= set(GENERATIONS["claim-sets"].transitions)
    assert set(PROPERTIES) <= set(ALL_PROPERTIES)
    assert set(MISTAKES) <= set(RULES)
    assert ONE.sets() == [(0, 0), (0, 1), (1, 0)]
    assert "redeem-without-step-3" not in ONE.mistakes()


@pytest.mark.parametrize(("size", "states"), [(ONE, 22), (TWO, 135), (Size(1, 1, 2, 2), 93)])
def test_python_peer_counts_the_states(size: Size, states: int) -> None:
    found = explicit.search(size)
    assert (found.answer, found.states) == ("holds", states)


@needs_spin
def test_spin_counts_the_same_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spin, "COMPILE", ["-O0", *spin.COMPILE[1:]])
    found = spin.search(TWO)
    assert (found.answer, found.states) == ("holds", 135)


@pytest.mark.long
@needs_spin
@pytest.mark.parametrize(
    "size", [Size(2, 1, 2, 2), Size(2, 2, 1, 1), Size(2, 2, 2, 2), Size(2, 2, 2, 3), Size(3, 2, 1, 1)]
)
def test_spin_counts_the_same_states_on_larger_hosts(size: Size) -> None:
    one, other = explicit.search(size, seconds=300), spin.search(size, seconds=300)
    assert one.answer == other.answer == "holds"
    assert one.states == other.states


@pytest.mark.parametrize("mistake", MISTAKES)
def test_python_peer_finds_a_planted_mistake(mistake: str) -> None:
    found = explicit.search(TWO, mistake)
    assert found.answer == "broken"
    assert found.detail.endswith({"no-recall": "depth 2", "redeem-without-step-3": "depth 3"}[mistake])


@needs_spin
@pytest.mark.parametrize("mistake", sampled(MISTAKES, 2))
def test_spin_finds_a_planted_mistake(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spin, "COMPILE", ["-O0", *spin.COMPILE[1:]])
    found = spin.search(TWO, mistake)
    assert found.answer == "broken"
    assert found.detail.endswith({"no-recall": "depth 2", "redeem-without-step-3": "depth 3"}[mistake])


def test_timeout_is_reported_as_stopped() -> None:
    assert explicit.search(Size(2, 2, 2, 2), seconds=0.0).answer == "stopped"
    found = spin._outcome("pan: out of memory\n errors: 0\n 7 states, stored\n depth reached 3", 1.0, 0.0)
    assert (found.answer, found.states) == ("stopped", 7)
    with pytest.raises(SystemExit, match="not the output of a verifier"):
        spin._outcome("Segmentation fault", 1.0, 0.0)


def test_absent_peer_is_skipped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    skipped = spin.search(TWO)
    assert (skipped.answer, skipped.detail) == ("skipped", "no spin and no cc here")
    monkeypatch.setattr(command, "CHECKERS", {"states in Python": explicit.search, "SPIN": spin.search})
    monkeypatch.setattr(command, "TRACES", {"SPIN": spin.search})
    shown = command.blocks(command.measure([ONE], [ONE], 60))
    assert "2 runs: 1 hold, 0 broken, 0 stopped after 60 s or without memory, 1 skipped." in shown["peers-states"]
    assert "0 of 0 found, 1 skipped." in shown["peers-mistakes"]
    assert "spin no spin and no cc here" in shown["peers-versions"]


def test_claimcheck_gets_the_same_properties_as_its_peers() -> None:
    assert ours.IDS == ("node-backed", "host-backed", "aggregates-agree", "entitlement-without-limbo")


@pytest.mark.long
def test_claimcheck_proves_the_properties_of_its_peers() -> None:
    found = ours.proved(ONE)
    claimed = [o for o in suite(["claim-sets"], list(ours.IDS), [bounded(ONE.nodes, ONE.domains)]) if o.claimed]
    assert (found.answer, found.detail) == ("holds", f"{len(claimed)} obligations, 0 unknown")


def test_promela_text_has_an_option_for_each_choice() -> None:
    text = promela.text(TWO, "no-recall")
    assert "#define NO_RECALL" in text
    assert text.count(":: d_step") == len(TWO.sets()) + 2 + 2 * 4 + 2 * 5
    assert "@OPTIONS@" not in text


def test_document_shows_the_measurements() -> None:
    measured = json.loads(command.STORED.read_text())
    text = command.DOCUMENT.read_text()
    assert renewed(text, command.blocks(measured)) == text, "run `make peers`"
    answers = [
        Outcome(**{k: v for k, v in run.items() if k not in ("mistake", "size", "checker")}) for run in measured["runs"]
    ]
    assert {a.answer for a in answers} <= {"holds", "broken", "stopped", "skipped"}
    assert all(run["answer"] != "broken" for run in measured["runs"] if not run["mistake"])


def test_document_states_if_its_counts_are_of_older_code() -> None:
    """States and obligations of the smallest hosts are counted again: where they differ, the document has to say so."""
    measured = json.loads(command.STORED.read_text())
    runs = {(Size(**r["size"]), r["checker"]): r for r in measured["runs"] if not r["mistake"]}
    size = Size(1, 1, 2, 2)
    claimed = [o for o in suite(["claim-sets"], list(ours.IDS), [bounded(1, 1)]) if o.claimed]
    same = runs[size, "states in Python"]["states"] == explicit.search(size).states
    same = same and runs[size, "claimcheck prove"]["detail"] == f"{len(claimed)} obligations, 0 unknown"
    (said,) = re.findall(r"Measured on (\S+), of (older|this) code", command.DOCUMENT.read_text())
    assert said == (measured["made"], "older" if is_older(measured) else "this")
    assert same or said[1] == "older"


def test_quick_run_is_shown_and_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "CHECKERS", {"states in Python": explicit.search})
    monkeypatch.setattr(command, "TRACES", {"states in Python": explicit.search})
    monkeypatch.setattr(command, "STORED", tmp_path / "peers.json")
    command.main(["--quick"])
    assert "3 of 3 found, 0 skipped." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
