"""Every stored trace of a value that leaves its type does so with its last event: it is found by running it."""

import json
from pathlib import Path

import msgspec
import pytest

from proofs.c_ranges.at import out_of_type, transition_of
from proofs.c_ranges.rows import values_of
from proofs.c_ranges.verdicts import FOLDER, RangeVerdict, load
from proofs.c_typed.runs import CTypedRun
from proofs.operations import Event, Events2
from proofs.traces.events import Header
from tests.sampled import first_of_each

SHOWN = [verdict for verdict in load() if verdict.trace]
SOME = first_of_each(
    SHOWN,
    lambda v: f"{v.row.semantics}-{v.row.transition}-{v.trace}",
    lambda v: v.row.transition,
    lambda v: v.row.transition,
)


def test_more_than_90_stored_traces_exist() -> None:
    assert len(SHOWN) > 90


@pytest.mark.parametrize("verdict", SOME)
def test_the_last_event_takes_the_value_out_of_its_type(verdict: RangeVerdict) -> None:
    row = verdict.row
    lines = (Path(FOLDER) / row.semantics / verdict.trace).read_text().splitlines()
    header = msgspec.json.decode(lines[0], type=Header)
    *before, last = [
        msgspec.convert({k: v for k, v in json.loads(line).items() if k not in ("state", "result")}, Events2)
        for line in lines[1:]
    ]

    def run() -> CTypedRun:
        found = CTypedRun(row.semantics, header.host, c_types=True)
        for event in before:
            found.do(event)
        return found

    at: Event = last
    made = transition_of(at, run(), run().do(at))
    assert made is not None
    assert made[0] == row.transition
    (number,) = [
        n
        for n, value in enumerate(values_of(row.semantics, row.transition))
        if (value.expression, value.c_type) == (row.expression, row.c_type)
    ]
    assert number in out_of_type(row.semantics, run(), made)
