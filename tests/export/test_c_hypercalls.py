"""C tests of traces with hypercalls, built and run against the ledger with hypercalls."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from proofs.export.c_test import PROLOGUE, c_test
from proofs.fuzz.finding import recorded
from proofs.fuzz.generators.plan import draw_plan
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.offered import ProgramCapabilities
from proofs.fuzz.rerun import unanswered
from proofs.fuzz.trial import trial
from proofs.operations import KINDS, Event
from proofs.operations.draw import Draw
from proofs.traces import Header, HostShape
from proofs.traces.events import FORMAT_2
from reference.generations import GENERATIONS as REFERENCES
from tests.adapters.programs import KIT, STRICT
from tests.sampled import sampled

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: `cc` is not found")

KNOWN = GenerationFacts("claim-sets", [], {})
WHOLE = ProgramCapabilities(frozenset(KINDS) - {"continue", "get_memory_claims"}, FORMAT_2)
PROGRAM = """
#define CLAIM_ADAPTER_IN_PROCESS
#include "attach_hypercalls.c"
"""
"""The attachment without the main() of the protocol."""
OPTIONS = {"plain": [], "mirrored": ["-DLEDGER_POLICY=2", "-DOPTIONS=(CLAIM_MIRRORED|CLAIM_ONE_ZONE)"]}
FEW = (2, 17)
"""Seeds of traces that have nearly every operation between them."""


def trace_of(seed: int) -> tuple[Header, list[Event]]:
    """A random trace of hypercalls, with what the reference answers."""
    draw = Draw(Random(seed))
    host = HostShape(1024 if seed % 2 else 16, [700, 40] if seed % 2 else [11, 16], last_alloc_node=0)
    plan = draw_plan(draw, REFERENCES["claim-sets"], {}, WHOLE)
    plan.interleaving = 0.0
    made = trial(KNOWN, seed, draw, host, plan)
    header = Header(FORMAT_2, "claim-sets", "random", made.host, seed)
    return header, recorded(made.host, [unanswered(event) for event in made.events[:150]], "claim-sets")


def run(tests: str, names: list[str], folder: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    """Builds the tests against the ledger with hypercalls, and runs them."""
    calls = "".join(f"    failed |= {name}(claim_adapter_table());\n" for name in names)
    main = f"int main(void)\n{{\n    int failed = 0;\n\n{calls}    return failed;\n}}\n"
    (folder / "test.c").write_text(PROGRAM + PROLOGUE + tests + main)
    given = [*STRICT, "-DWHOLE", f"-I{KIT}", *options, "-o", str(folder / "test")]
    subprocess.run(["cc", *given, str(folder / "test.c"), str(KIT / "ledger_hypercalls.c")], check=True, timeout=300)
    return subprocess.run([folder / "test"], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("layout", "seeds"), sampled([("plain", FEW), ("plain", range(6)), ("mirrored", range(6))], 3), ids=str
)
def test_c_tests_of_hypercalls_pass_on_the_ledger(layout: str, seeds: Sequence[int], tmp_path: Path) -> None:
    traces = [trace_of(seed) for seed in seeds]
    tests = "".join(c_test(f"random {at}", *trace) for at, trace in enumerate(traces))
    done = run(tests, [f"test_random_{at}" for at in range(len(traces))], tmp_path, OPTIONS[layout])
    assert (done.returncode, done.stderr) == (0, "")
    kinds = Counter(event.op for _, events in traces for event in events)
    missing = WHOLE.operations - set(kinds)
    assert len(missing) < 3, missing


@pytest.mark.parametrize(
    ("op", "field", "value"), [("populate_physmap", "nr_done", 77), ("max_mem", "result", "EBUSY")]
)
def test_c_test_fails_where_an_answer_is_another(op: str, field: str, value: object, tmp_path: Path) -> None:
    for seed in range(20):
        header, events = trace_of(seed)
        if changed := [event for event in events if event.op == op]:
            setattr(changed[0], field, value)
            up_to_it = events[: events.index(changed[0]) + 1]
            done = run(c_test("changed", header, up_to_it), ["test_changed"], tmp_path, [])
            assert done.returncode == 1
            assert str(value) in done.stderr
            return
    raise AssertionError(f"no {op}")
