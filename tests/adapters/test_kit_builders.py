"""The adapter kit with every operation of claim-trace/2, with builders, and with mirrored addresses."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from proofs.adapters import OutsideProgram
from proofs.adapters.against import replay_against
from proofs.adapters.protocol import decode_observation
from proofs.fuzz.known import GenerationFacts
from proofs.fuzz.program import Program
from proofs.operations import KINDS
from proofs.traces import read_traces
from tests.adapters.programs import EXAMPLE, KIT, built, ledger
from tests.sampled import sampled

KNOWN = GenerationFacts("claim-sets", [], {})
SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
MIRRORED = ("-DLEDGER_POLICY=2", "-DOPTIONS=(CLAIM_MIRRORED|CLAIM_ONE_ZONE)")
EXAMPLES = {
    "attach.c": "ledger.c",
    "attach_builders.c": "ledger_builders.c",
    "attach_hypercalls.c": "ledger_hypercalls.c",
}


def with_builders(*options: str, compiler: str = "cc") -> str:
    return built((KIT / "attach_builders.c", KIT / "ledger_builders.c"), options, compiler)


BUILDS = [
    (attached, options, compiler)
    for attached in EXAMPLES
    for options in ((), SANITIZED)
    for compiler in ("cc", "clang")
]
QUICK = [("attach_builders.c", (), "clang"), ("attach_hypercalls.c", (), "cc")]


@pytest.mark.parametrize(("attached", "options", "compiler"), sampled(BUILDS, keep=QUICK))
def test_examples_build_without_a_warning(attached: str, options: tuple[str, ...], compiler: str) -> None:
    level = "-O1" if compiler == "cc" else "-O0"  # some warnings of GCC need the analysis of its optimiser
    built((KIT / attached, KIT / EXAMPLES[attached]), (*options, level), compiler)


def fuzzed(command: str, seeds: range) -> tuple[Counter[str], int]:
    """The operations of random traces, and how often a builder continued; every trace must agree."""
    done: Counter[str] = Counter()
    continued = 0
    with closing(Program(KNOWN, command, 60, 60)) as program:
        for seed in seeds:
            trial = program.trial(seed, {})
            assert trial.failure is None
            done.update(event.op for event in trial.events)
        continued = done.pop("continue", 0)
    return done, continued


@pytest.mark.parametrize(
    "options",
    sampled([[], [*MIRRORED], [*SANITIZED]], keep=[[], [*MIRRORED]]),
    ids=["plain", "mirrored", "sanitized"],
)
def test_builders_agree_with_the_reference(options: list[str]) -> None:
    done, continued = fuzzed(with_builders(*options), range(5))
    assert continued > 20
    assert len(done) > 11


@pytest.mark.parametrize(
    "options",
    sampled([[*SANITIZED], ["-DWHOLE"], [*SANITIZED, "-DWHOLE"]], keep=[["-DWHOLE"]]),
    ids=["builders", "whole", "whole-sanitized"],
)
def test_hypercalls_agree_with_the_reference(options: list[str]) -> None:
    command = built((KIT / "attach_hypercalls.c", KIT / "ledger_hypercalls.c"), tuple(options))
    done, continued = fuzzed(command, range(5))
    assert (continued > 20) is ("-DWHOLE" not in options)
    assert done["populate_physmap"] + done["memory_exchange"] > 30
    assert ("destroydomain" in done) is ("-DWHOLE" in options)


@pytest.mark.long
def test_builders_agree_with_the_reference_for_long() -> None:
    done, continued = fuzzed(with_builders(), range(300))
    assert continued > 5000
    assert done["alloc_heap_pages"] > 1000


def test_wrong_layout_is_found() -> None:
    with closing(Program(KNOWN, with_builders("-DLEDGER_POLICY=2"), 60, 60)) as program:
        found = any(program.trial(seed, {}).failure is not None for seed in range(12))
    assert found  # blocks from the upper end, where the trace has builders


def test_ledger_with_builders_runs_recordings_of_claim_trace_1() -> None:
    with OutsideProgram(with_builders()) as outside:
        for trace in read_traces(EXAMPLE):
            result = replay_against(trace, outside).result
            assert (result.divergence, result.not_applicable) == (None, {})
        outside.stop()


HEADER = {
    "format": "claim-trace/2",
    "semantics": "claim-sets",
    "source": "",
    "host": {"node_span": 8, "nodes": [8, 8], "last_alloc_node": 3, "llc_coloring": True, "debug_build": True},
    "expect": ["no-crash"],
}
NO_NODE = {"node": None, "memflags": ["no_owner"]}
CALLS: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"op": "boot"}, {}),
    ({"op": "create_domain", "domid": 1, "max_pages": 4, "node_affinity": [0, 1]}, {}),
    ({"op": "create_domain", "domid": 9, "max_pages": 4, "node_affinity": [0]}, {}),
    ({"op": "set_max_pages", "domid": 1, "max_pages": 5}, {}),
    ({"op": "max_mem", "domid": 1, "max_pages": 2**64 - 1}, {"result": "EOVERFLOW"}),
    ({"op": "install_claim_set", "domid": 1, "claims": [{"pages": 2, "target": "global"}]}, {"result": "ERANGE"}),
    (
        {
            "op": "claim_memory",
            "domid": 1,
            "pad": 7,
            "claims": [
                {"pages": 1, "target": "legacy"},
                {"pages": 1, "target": 0, "cmd": 9},
                {"pages": 1, "target": "no_node"},
            ],
        },
        {"result": "EOPNOTSUPP"},
    ),
    ({"op": "get_memory_claims", "domid": 1, "capacity": 1}, {"result": "ENOBUFS", "needed": 2}),
    (
        {"op": "get_memory_claims", "domid": 1, "capacity": 2},
        {"result": "OK", "needed": 2, "claims": [{"pages": 4, "target": "host"}, {"pages": 5, "target": 1}]},
    ),
    ({"op": "get_memory_claims", "domid": 4, "capacity": 2, "pad": 1}, {"result": "ESRCH"}),
    ({"op": "set_outstanding_pages", "domid": 1, "pages": 3, "node": 1}, {"result": "EBUSY"}),
    (
        {"op": "claim_pages", "domid": 1, "nr_extents": 5, "extent_order": 2, "mem_flags": 512, "extent_start": 8},
        {"result": "EPERM"},
    ),
    ({"op": "alloc_domheap_pages", "domid": None, "order": 1, **NO_NODE}, {"mfn": 6, "on_node": 0}),
    ({"op": "alloc_domheap_pages", "domid": 1, "order": 1, **NO_NODE}, {"mfn": None}),
    ({"op": "alloc_heap_pages", "domid": None, "order": 1, **NO_NODE}, {"mfn": 6, "on_node": 0}),
    ({"op": "assign_pages", "mfn": 6, "order": 1, "domid": 1, "memflags": ["no_refcount"]}, {"result": "E2BIG"}),
    ({"op": "free_heap_pages", "mfn": 6, "order": 1}, {}),
    ({"op": "free_domheap_pages", "mfn": {"of": 12, "page": 0}, "order": 1}, {}),
    (
        {
            "op": "populate_physmap",
            "domid": 1,
            "nr_extents": 3,
            "extent_order": 1,
            "start_extent": 1,
            "preempt_at": {"extent": 2, "scrub_index": 256},
        },
        {"mfns": [4], "nr_done": 2, "preempted": "scrubbing", "scrub_index": 256},
    ),
    (
        {"op": "populate_physmap", "domid": 1, "nr_extents": 3, "extent_order": 0, "preempt_at": None},
        {"mfns": [4], "nr_done": 1, "preempted": "between extents"},
    ),
    (
        {"op": "populate_physmap", "domid": 2, "nr_extents": 1, "extent_order": 0, "node": 1},
        {"mfns": [4], "nr_done": 1, "preempted": None},
    ),
    (
        {"op": "memory_exchange", "domid": 1, "in_mfns": [2, 4], "in_order": 1, "out_order": 0, "node": 1},
        {"result": "ENOMEM", "mfns": [2, 4]},
    ),
    ({"op": "offline_page", "mfn": 2}, {"result": "OFFLINED"}),
    ({"op": "online_page", "mfn": 3}, {"result": "NOT_OFFLINE"}),
    ({"op": "domain_kill", "domid": 1}, {"result": "OK"}),
    ({"op": "relinquish_memory", "domid": 1}, {"pages": 41}),
    ({"op": "domain_destroy", "domid": 1}, {}),
    ({"op": "destroydomain", "domid": 2}, {"result": "ESRCH"}),
    ({"op": "pausedomain", "domid": 1}, {"result": "OK"}),
    ({"op": "unpausedomain", "domid": 3}, {"result": "ESRCH"}),
    ({"op": "getdomaininfo", "domid": 1}, {"result": "OK", "tot_pages": 1, "max_pages": 2, "outstanding_pages": 3}),
    ({"op": "getdomaininfo", "domid": 5}, {"result": "ESRCH"}),
    ({"op": "get_outstanding_claims"}, {"free_pages": 11, "outstanding_pages": 12}),
]


def test_kit_reads_and_writes_every_operation() -> None:
    command = built((Path(__file__).parent / "every_operation.c",), SANITIZED)
    lines = [{"hello": ["claim-adapter/1"]}, HEADER, *(call for call, _ in CALLS)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([command], input=text, capture_output=True, text=True, timeout=60, check=True)
    hello, ready, *answers = map(json.loads, done.stdout.splitlines())
    assert (ready, done.stderr) == ({"ready": True}, "boot 2 3 1 1\n")
    assert set(hello["operations"]) == set(KINDS) - {"continue"}
    assert {call["op"] for call, _ in CALLS} == set(hello["operations"])
    for (call, outcome), answer in zip(CALLS, answers, strict=True):
        decode_observation(KINDS[str(call["op"])], json.dumps(answer).encode())
        state = answer.pop("state")
        assert answer == outcome, call
    assert state["domains"] == {
        "1": {
            **dict.fromkeys(("max_pages", "tot_pages", "outstanding_pages"), 0),
            "pending_scrub": {"mfn": 8, "order": 3, "scrub_index": 0},
            "creation_finished": False,
        }
    }


def test_builder_without_an_operation_is_an_error() -> None:
    host = {"node_span": 8, "nodes": [8]}
    lines = [{**HEADER, "host": host}, {"op": "boot"}, {"op": "continue", "builder": "b1"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([with_builders()], input=text, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {"error": "the builder has no operation to continue"}


def test_kit_without_builders_offers_no_continue() -> None:
    with OutsideProgram(ledger()) as outside:
        assert "continue" not in outside.hello.operations
    with OutsideProgram(with_builders()) as outside:
        assert "continue" in outside.hello.operations
