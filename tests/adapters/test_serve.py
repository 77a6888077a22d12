"""The reference as an outside program: every line has an answer, and each known mistake shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofs.adapters.protocol import FORMATS, message
from proofs.adapters.server import Server
from proofs.mistakes.catalogue import CATALOGUE, OF_REFERENCE, OVERRIDES
from proofs.mistakes.planted import overridden
from proofs.operations import KINDS
from proofs.replay import replay as replay_module
from proofs.replay import replay_trace
from proofs.traces import read_traces
from reference.generation import Generation
from reference.generations import GENERATIONS
from reference.generations.claim_sets import ClaimSets
from tests.adapters.programs import EXAMPLE, SERVE
from tests.sampled import sampled

RECORDED = "tests/data/conformance/claim-sets.jsonl.gz"
HEADER = {"format": "claim-trace/1", "semantics": "claim-sets", "source": "", "host": {"node_span": 8, "nodes": [4, 4]}}
HELLO = {"hello": ["claim-adapter/1"]}
BOOT = {"op": "boot"}
CREATE = {"op": "create_domain", "domid": 1, "max_pages": 8, "node_affinity": [0, 1]}


def asked(*lines: dict[str, Any] | bytes) -> list[dict[str, Any]]:
    server = Server("here", GENERATIONS)
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return [json.loads(message(server.answer(line))) for line in encoded]


def test_serve_states_what_it_supports() -> None:
    (hello,) = asked(HELLO)
    assert hello == {
        "hello": "claim-adapter/1",
        "name": "here",
        "formats": list(FORMATS),
        "semantics": list(GENERATIONS),
        "operations": list(KINDS),
    }


def test_serve_answers_the_operations_of_a_trace() -> None:
    lines = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
    ready, *answers = asked(*lines)
    assert ready == {"ready": True}
    told = ("result", "mfn", "on_node", "state")
    assert [answer for answer in answers if "mfn" not in answer] == [
        {name: line[name] for name in told if name in line} for line in lines[1:-1]
    ]
    assert answers[-1]["mfn"] == 8


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([{"hello": ["claim-adapter/9"]}], "supported here: claim-adapter/1"),
        ([BOOT], "no host: send a header first"),
        ([b"{"], "not JSON: Input data was truncated"),
        ([b"\xff"], "not JSON: JSON is malformed: invalid character (byte 0)"),
        ([HEADER | {"semantics": "mine"}], "no generation 'mine'"),
        ([HEADER | {"format": "claim-trace/9"}], "unknown format 'claim-trace/9'"),
        ([HEADER | {"host": {"node_span": 3, "nodes": [1]}}], "node_span 3 is not a power of two"),
        ([HEADER, {"op": "reboot"}], "Invalid value 'reboot' - at `$.op`"),
        ([HEADER, {"op": "online_page", "mfn": 1}], "Invalid value 'online_page' - at `$.op`"),
        ([HEADER, {"op": "domain_kill", "domid": 1}], "no domain 1"),
        ([HEADER, {"op": "free_domheap_pages", "mfn": 1, "order": 0}], "mfn 1 is not allocated"),
        ([HEADER, CREATE, CREATE], "domain 1 exists"),
    ],
)
def test_serve_answers_bad_lines_with_an_error(lines: list[dict[str, Any] | bytes], error: str) -> None:
    assert asked(*lines)[-1] == {"error": error}


def test_no_host_exists_after_a_crash() -> None:
    path = "tests/data/findings/single-node-v4/no-crash.jsonl"
    *before, crash, behind = asked(*[json.loads(line) for line in Path(path).read_text().splitlines()], BOOT)
    assert all("crash" not in answer for answer in before)
    assert crash == {"crash": "BUG_ON: claims > avail_pages"}
    assert behind == {"error": "no host: send a header first"}


def test_serve_answers_line_by_line_and_ends_with_its_input() -> None:
    text = "".join(json.dumps(line) + "\n" for line in (HELLO, HEADER, BOOT)) + '{"op":"half'
    done = subprocess.run(SERVE, shell=True, input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [next(iter(json.loads(line))) for line in done.stdout.splitlines()] == ["hello", "ready", "state"]


@pytest.mark.parametrize("option", sampled(["--mistake", "--bug"], 2))
def test_serve_with_a_mistake_lists_the_generations_it_fits(option: str) -> None:
    text = json.dumps(HELLO) + "\n"
    done = subprocess.run(
        f"{SERVE} {option} no-recall", shell=True, input=text, capture_output=True, text=True, timeout=60
    )
    hello = json.loads(done.stdout)
    assert hello["semantics"] == CATALOGUE["no-recall"].generations
    assert hello["name"].endswith(" with no-recall")


def diverges(name: str, spoiled: dict[str, Generation], monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(replay_module, "GENERATIONS", GENERATIONS | spoiled)
    return any(replay_trace(t, check_properties=False).divergence is not None for t in read_traces(RECORDED))


@pytest.mark.parametrize("name", OVERRIDES)
def test_each_mistake_shows_in_recorded_traces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diverges(name, overridden(name), monkeypatch)


def test_mistakes_are_described_and_fit_claim_sets() -> None:
    assert len(OVERRIDES) >= 15
    for name, bug in OVERRIDES.items():
        assert bug.sentence().endswith(".")
        assert "claim-sets" in bug.fits()
        assert all(isinstance(GENERATIONS[fit], ClaimSets) for fit in bug.fits())
        assert all(semantics.name == fit for fit, semantics in overridden(name).items())
    assert "claim-sets-no-recall" not in CATALOGUE["no-recall"].generations


def test_mistakes_are_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from proofs.cli.main import main

    for arguments in (["--list-mistakes"], ["--list-bugs", "--json"]):
        monkeypatch.setattr(sys, "argv", ["claimcheck", "serve", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None)
        out = capsys.readouterr().out
        assert all(name in out for name in OF_REFERENCE)
    assert [row["mistake"] for row in json.loads(out)] == OF_REFERENCE
    assert [row["sentence"] for row in json.loads(out)] == [CATALOGUE[name].sentence for name in OF_REFERENCE]
    assert msgspec.json.decode(out.encode()) == json.loads(out)
