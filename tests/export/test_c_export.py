"""The exported C, built and run against the C example of the adapter kit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from model.named import GENERATIONS
from model.properties import PROPERTIES
from proofs.export.c_header import header
from proofs.export.c_test import PROLOGUE, InexpressibleEventError, c_test
from proofs.export.counters import ORPHANS
from proofs.prover.induction import induction, kept_by_every_step
from proofs.traces import Trace, read_traces
from tests.export.conftest import ALSO_KEPT
from tests.sampled import sampled

KIT = Path("docs/adapters")
CC = shutil.which("cc")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-D_POSIX_C_SOURCE=200809L", f"-I{KIT}"]
needs_cc = pytest.mark.skipif(CC is None, reason="no C compiler")

OVER_THE_LEDGER = """
#define CC_HOST(counter) (host.counter)
#define CC_NODE(counter, n) (host.counter[n])
#define CC_FOR_EACH_NODE(n) for ( (n) = 0; (n) < (int)host.nr_nodes; (n)++ )
#define CC_FOR_EACH_DOMAIN(d) for ( (d) = host.domains; (d); (d) = (d)->next )
"""


def first(file: str) -> tuple[Trace, list]:
    for trace in read_traces(file):
        return trace, list(trace)
    raise AssertionError(file)


def built(tmp_path: Path, source: str) -> Path:
    text, program = tmp_path / "test.c", tmp_path / "test"
    text.write_text(source)
    command = [CC or "cc", *FLAGS, "-o", str(program), str(text), str(KIT / "ledger.c")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return program


def test_header_has_every_invariant_or_lists_it_as_left_out() -> None:
    found = header("claim-sets")
    assert [*found.exported, *found.left_out] != []
    assert set(found.exported) | set(found.left_out) == set(kept_by_every_step("claim-sets"))
    for name in found.exported:
        assert f"/* {PROPERTIES[name].sentence} */" in found.text
    for name in found.left_out:
        assert name in found.text


@pytest.mark.long
def test_listed_invariants_are_what_the_induction_keeps() -> None:
    found = induction("claim-sets").kept
    assert set(found) == set(GENERATIONS["claim-sets"].invariants) | {ALSO_KEPT}


def test_c_reads_no_field_of_destroyed_domains() -> None:
    found = header("claim-sets")
    code = found.text.partition("#ifndef CLAIMCHECK_INVARIANTS_H")[2]
    assert not [name for name in ORPHANS if name in code]
    assert found.left_out["all-claims-counted"] == "orphaned_claims"  # no loop over the domain list finds those


PROGRAM = """
#include "claim_adapter.h"
static int run_tests(const struct claim_adapter *impl);
#define claim_adapter_main run_tests
#include "attach.c"
#undef claim_adapter_main
"""
"""attach.c, whose main() hands its adapter to the tests instead of the protocol."""


def program(prologue: str, tests: str, body: str) -> str:
    run = f"static int run_tests(const struct claim_adapter *impl)\n{{\n{body}\n}}\n"
    return PROGRAM + OVER_THE_LEDGER + prologue + tests + run


@needs_cc
@pytest.mark.parametrize(("number", "most"), sampled([(1, 60), (1, 999), (2, 999), (3, 999), (40, 999)], 5))
def test_c_test_of_a_recorded_trace_passes_on_the_ledger(tmp_path: Path, number: int, most: int) -> None:
    traces = read_traces("tests/data/conformance/claim-sets.jsonl.gz")
    for index, trace in enumerate(traces, 1):
        events = list(trace)[:most]
        if index == number:
            break
    source = program(PROLOGUE, c_test("recorded", trace.header, events), "    return test_recorded(impl);")
    done = subprocess.run([built(tmp_path, source)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@needs_cc
def test_c_test_fails_on_a_wrong_counter(tmp_path: Path) -> None:
    trace, events = first("tests/data/examples/redeem.jsonl")
    events[-1].state.outstanding_claims += 1
    source = program(PROLOGUE, c_test("wrong", trace.header, events), "    return test_wrong(impl);")
    done = subprocess.run([built(tmp_path, source)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "host.outstanding_claims == 3" in done.stderr


def test_event_that_the_kit_lacks_is_named() -> None:
    trace, events = first("tests/data/findings/claim-sets/dead-hold-nothing.jsonl")
    with pytest.raises(
        InexpressibleEventError, match=r"event \d+ is claim_pages of a builder: a C test has whole functions only"
    ):
        c_test("race", trace.header, events)


BROKEN = {
    "host.node_outstanding_claims[0] += 100; host.node_avail_pages[0] -= 1": "node-backed",
    "host.total_avail_pages += 1": "aggregates-agree.free",
    "host.node_outstanding_claims[1] += 1": "aggregates-agree.node",
    "domain_find(1)->node_claims += 1": "aggregates-agree.domain",
    "host.outstanding_claims = -1": "sums-non-negative",
}


@needs_cc
def test_c_invariants_hold_on_the_ledger_or_name_the_counter(tmp_path: Path) -> None:
    invariants = header("claim-sets").text
    trace, events = first("tests/data/examples/redeem.jsonl")
    checks = "    const char *found;\n    if ( test_redeem(impl) || cc_first_broken() )\n        return 1;\n"
    for statement, name in BROKEN.items():
        checks += (
            f"    if ( test_redeem(impl) )\n        return 1;\n    {statement};\n    found = cc_first_broken();\n"
            f'    if ( !found || strncmp(found, "{name}: ", {len(name) + 2}) )\n'
            f'    {{\n        fprintf(stderr, "{name}: %s\\n", found ? found : "none");\n        return 1;\n    }}\n'
        )
    source = program(PROLOGUE + invariants, c_test("redeem", trace.header, events), checks + "    return 0;")
    done = subprocess.run([built(tmp_path, source)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
