"""The adapter kit in C: the example builds without a warning, is attached in a few lines, and does as the hypervisor."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

import pytest

from proofs.adapters import OutsideProgram
from proofs.adapters.against import replay_against
from proofs.file_replay import FileResult, replay_file
from tests.adapters.programs import KIT, RECORDED, ledger, recorded
from tests.adapters.random_traces import Maker
from tests.sampled import sampled

SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def replayed(command: str, path: Path = RECORDED) -> FileResult:
    return replay_file(str(path), against=partial(OutsideProgram, command), check_properties=False)


@pytest.mark.parametrize(
    ("attached", "most"), [("attach.c", 50), ("attach_builders.c", 60), ("attach_hypercalls.c", 70)]
)
def test_attaching_takes_few_lines(attached: str, most: int) -> None:
    lines = (KIT / attached).read_text().splitlines()
    assert len(lines) < most
    assert max(map(len, lines)) <= 120


def test_c_header_needs_no_library() -> None:
    included = {line for line in (KIT / "claim_adapter.h").read_text().splitlines() if line.startswith("#include")}
    standard = ["errno.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "unistd.h"]
    optional = ["ucontext.h", "setjmp.h"]  # for builders, and in one process
    assert included == {f"#include <{name}>" for name in [*standard, *optional]}


def test_ledger_reproduces_hypervisor_recordings() -> None:
    result = replayed(ledger())
    assert (result.error, result.divergences) == (None, [])
    assert result.traces == 100
    assert result.events + result.skipped == 24_350
    assert result.skipped < 100  # frees of blocks that its heap, cut otherwise, did not have
    assert sum(result.not_applicable.values()) == result.skipped


@pytest.mark.parametrize("traces", sampled([15, 40], 2))
def test_ledger_agrees_with_reference_on_random_traces(traces: int) -> None:
    with OutsideProgram(ledger()) as outside:
        compared = 0
        for seed in range(traces):
            result = replay_against(Maker(seed).trace(150), outside).result
            assert result.divergence is None
            compared += result.events
        outside.stop()
    assert compared > 125 * traces


def test_a_mistake_of_one_page_is_found(tmp_path: Path) -> None:
    result = replayed(ledger("-DLEDGER_SLACK=1"), recorded(tmp_path, 40))
    assert result.error is None
    assert len(result.divergences) > 5
    assert {written.divergence.op for written in result.divergences} == {"alloc_domheap_pages"}


LINES = {
    "{": "a string is missing",
    "[]": "a list or an object is missing",
    "": "a list or an object is missing",
    '{"op":"boot"': "a list or an object does not end",
    '{"op":"boot"} x': "the line continues after its object",
    '{"op":"bo': "a string does not end",
    '{"op":"boot","x":1}': "a field that is not known",
    '{"op":"' + "b" * 40 + '"}': "a name is too long",
    '{"op":"reboot"}': "no such operation, or no such domain",
    '{"op":"domain_kill","domid":7}': "no such operation, or no such domain",
    '{"op":"domain_kill","domid":99999999999999999999}': "a number does not fit 64 bits",
    '{"op":"free_domheap_pages","mfn":3,"order":0}': "EINVAL",
    '{"op":"free_domheap_pages","mfn":{"of":9,"page":0},"order":0}': "a page of an operation that was not sent",
    '{"op":"create_domain","domid":1,"max_pages":4,"node_affinity":[5]}': "EINVAL",
    '{"op":"alloc_domheap_pages","domid":1,"order":0,"node":null,"memflags":["nod"]}': "a memflag that is not known",
    '{"hello":["claim-adapter/9"]}': "only claim-adapter/1 is spoken here",
    '{"format":"claim-trace/2","semantics":"claim-sets","source":"","host":{}}': "no such format or semantics",
}


def asked(command: str, *lines: str) -> list[dict[str, object]]:
    text = "\n".join(lines) + "\n"
    done = subprocess.run([command], input=text, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


HEADER = (
    '{"format":"claim-trace/1","semantics":"claim-sets","source":"a \\"b\\" {","host":{"node_span":8,"nodes":[8,2]}}'
)


@pytest.mark.parametrize("options", [(), SANITIZED], ids=["plain", "sanitized"])
def test_error_in_a_line_is_its_answer(options: tuple[str, ...]) -> None:
    command = ledger(*options)
    ready, booted, *answers = asked(command, HEADER, '{"op": "boot"}', *LINES)
    assert ready == {"ready": True}
    assert booted["state"]["node_avail_pages"] == [8, 2]
    assert answers == [{"error": error} for error in LINES.values()]


def test_operation_before_any_header_is_an_error() -> None:
    assert asked(ledger(), '{"op":"boot"}') == [{"error": "no host: send a header first"}]


def test_refused_block_is_absent() -> None:
    refused = '{"op":"alloc_domheap_pages","domid":null,"order":9,"node":null,"memflags":[]}'
    got = '{"op":"alloc_domheap_pages","domid":null,"order":1,"node":1,"memflags":[]}'
    free = '{"op":"free_domheap_pages","mfn":{"of":%d,"page":%d},"order":0}'
    answers = asked(ledger(), HEADER, '{"op":"boot"}', refused, got, free % (1, 0), free % (2, 1))
    assert answers[2]["mfn"] is None
    assert answers[3]["mfn"] == 8
    assert answers[4] == {"absent": True}
    assert answers[5]["state"]["node_avail_pages"] == [8, 1]


def test_ledger_stays_within_its_own_memory() -> None:
    with OutsideProgram(ledger(*SANITIZED)) as outside:
        for seed in range(1000, 1010):
            assert replay_against(Maker(seed).trace(150), outside).result.divergence is None
        outside.stop()  # a leak or an error would be its status
