"""Every statement of the design can be false: a mistake made alike in model and reference is noticed all the same."""

import gzip
import importlib
import tomllib
from pathlib import Path

import pytest

from model.generations.parts import PARTS
from model.named import GENERATIONS
from model.properties.lock_order import broken_by
from proofs.file_replay import replay_file
from proofs.mistakes.catalogue import CATALOGUE
from proofs.mistakes.in_rules import IN_MODEL
from proofs.mistakes.planted import planted
from proofs.obligations.mistaken_parts import REFUTED_BY
from proofs.obligations.mistaken_statements import CLAIM_SETS, NOTICED_BY
from proofs.obligations.obligation import PARAMETRIC, bounded
from proofs.prover.solve import solve
from proofs.prover.verdict import Settings, Verdict
from tests.sampled import sampled

SETTINGS = Settings(rlimit=20_000_000, cores=False)
RECORDING = Path(f"tests/data/conformance/{CLAIM_SETS}.jsonl.gz")
BY_PART = [name for name, noticed in NOTICED_BY.items() if noticed.refuted is not None]
BY_TRACE = [name for name, noticed in NOTICED_BY.items() if noticed.seed]
BY_TEST = [name for name, noticed in NOTICED_BY.items() if noticed.test]
BY_LOCKS = [name for name, noticed in NOTICED_BY.items() if noticed.locks]


def recorded(seed: int, folder: Path) -> str:
    """The trace of that seed in a file of its own."""
    lines = gzip.decompress(RECORDING.read_bytes()).decode().splitlines()
    heads = [number for number, line in enumerate(lines) if '"format"' in line] + [len(lines)]
    begin = next(number for number in heads if lines[number].endswith(f'"seed":{seed}}}'))
    path = folder / "trace.jsonl"
    path.write_text("\n".join(lines[begin : heads[heads.index(begin) + 1]]) + "\n")
    return str(path)


def test_every_statement_has_one_detector_in_the_table() -> None:
    assert list(NOTICED_BY) == list(tomllib.loads(Path("proofs/evidence/statements.toml").read_text()))
    for name, noticed in NOTICED_BY.items():
        assert sum(map(bool, (noticed.part, noticed.seed, noticed.test, noticed.locks))) == 1, name
        assert noticed.mistake in (PARTS if noticed.locks else CATALOGUE), name
        if noticed.part:
            assert noticed.mistake in IN_MODEL, name
            assert noticed.refuted is not None or noticed.mistake == REFUTED_BY[noticed.part].mistake, name


@pytest.mark.parametrize("statement", sampled(BY_PART, 4))
def test_property_refutes_the_mistake(statement: str) -> None:
    noticed = NOTICED_BY[statement]
    for encoding in (bounded(2, 2), PARAMETRIC):
        assert solve(noticed.of_part().obligation(noticed.part, encoding), SETTINGS).verdict is Verdict.REFUTED


@pytest.mark.parametrize("statement", sampled(BY_TRACE, 3))
def test_recorded_trace_diverges_with_the_mistake(statement: str, tmp_path: Path) -> None:
    noticed = NOTICED_BY[statement]
    trace = recorded(noticed.seed, tmp_path)
    assert replay_file(trace).divergences == []
    with planted(noticed.mistake):
        assert replay_file(trace).divergences != []


@pytest.mark.parametrize("statement", BY_TEST)
def test_specification_test_fails_with_the_mistake(statement: str) -> None:
    noticed = NOTICED_BY[statement]
    path, _, name = noticed.test.partition("::")
    test = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    (cases,) = [mark.args[1] for mark in test.pytestmark if mark.name == "parametrize"]

    def run_all() -> None:
        for case in cases:
            test(*case)

    run_all()
    with planted(noticed.mistake), pytest.raises(AssertionError):
        run_all()


@pytest.mark.parametrize("statement", BY_LOCKS)
def test_lock_order_is_violated_with_the_mistake(statement: str) -> None:
    noticed = NOTICED_BY[statement]
    right = GENERATIONS[CLAIM_SETS].rules
    assert broken_by(noticed.locks, right) == []
    assert broken_by(noticed.locks, PARTS[noticed.mistake][1](right)) != []
