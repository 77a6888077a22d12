"""Traces with fields of the wrong type, missing or unknown, numbers out of range, and headers that are none."""

import json
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from proofs.operations import Event, Events2, State
from proofs.traces.events import Header, HostShape
from tests.traces.recording import GOOD, Json, dumps, own_traces, recorded

OPS: dict[str, type[Event]] = {op.__struct_config__.tag: op for op in typing.get_args(Events2)}
GOOD_EVENTS = len(GOOD) - 1


class Case(NamedTuple):
    """A file that is malformed."""

    name: str
    content: bytes
    line: int
    """The bad one."""
    events: int
    """In front of it."""
    says: str


_LINES: dict[int, tuple[list[Json], list[bytes]]] = {}
"""By the identity of a trace: the trace, which keeps its identity its own, and its lines. No case changes a trace."""


def lines_of(trace: list[Json]) -> list[bytes]:
    """The lines of a trace, written once for all its cases."""
    if id(trace) not in _LINES:
        _LINES[id(trace)] = trace, [dumps(line) for line in trace]
    return list(_LINES[id(trace)][1])


def at_event(name: str, trace: list[Json], index: int, bad: bytes | Json, says: str) -> Case:
    """A good trace, then this one with another line in place of one event."""
    lines = lines_of(trace)
    lines[1 + index] = bad if isinstance(bad, bytes) else dumps(bad)
    return Case(name, b"\n".join([*GOOD, *lines]) + b"\n", len(GOOD) + index + 2, GOOD_EVENTS + index, says)


def at_header(name: str, bad: bytes | Json, says: str) -> Case:
    """A good trace, then one whose header is this."""
    header = bad if isinstance(bad, bytes) else dumps(bad)
    content = b"\n".join([*GOOD, header, *GOOD[1:]]) + b"\n"
    return Case(name, content, len(GOOD) + 1, GOOD_EVENTS, says)


# --- fields of the wrong type, missing, unknown; numbers out of range -------------------------------------------------

WRONG: dict[type, list[Any]] = {
    int: ["1", 1.5, [], {}, True, None],
    str: [5, [], {}, None],
    list: ["x", 5, {}, None],
    dict: ["x", 5, [], None],
}
BEYOND = [-1, -(2**63) - 1, 2**64, 10**30, float("nan"), float("inf"), float("-inf")]


def _may_be_null(op: type[Event], field: str) -> bool:
    return type(None) in typing.get_args(typing.get_type_hints(op)[field])


def first_of_each_op() -> dict[str, tuple[list[Json], int]]:
    """Op -> (trace, index), the first where all arguments and an outcome are there."""
    found: dict[str, tuple[list[Json], int]] = {}
    for trace in [*recorded(4), *own_traces()]:
        for index, event in enumerate(trace[1:]):
            present = {name for name, value in event.items() if value is not None and value != []}
            op = event["op"]
            if op not in found or present > set(found[op][0][1 + found[op][1]]):
                found[op] = (trace, index)
    return found


def _shown(value: Any) -> str:
    return json.dumps(value)[:60]


def field_cases() -> Iterator[Case]:
    for op, (trace, index) in first_of_each_op().items():
        event = trace[1 + index]
        required = {field.name for field in msgspec.structs.fields(OPS[op]) if field.required}
        for field, right in event.items():
            if field in ("op", "state"):
                continue
            beyond = BEYOND[1:] if op == "get_outstanding_claims" else BEYOND  # host counters are signed
            wrong = [*WRONG.get(type(right), []), *(beyond if type(right) is int else [])]
            for value in wrong:
                if not (value is None and _may_be_null(OPS[op], field)):
                    says = "not JSON" if value != value or value in (float("inf"), float("-inf")) else f"`{field}`"
                    yield at_event(f"{op} {field} {_shown(value)}", trace, index, event | {field: value}, says)
            if field in required:
                less = {name: value for name, value in event.items() if name != field}
                yield at_event(f"{op} without {field}", trace, index, less, f"`{field}`")
        yield at_event(f"{op} with an unknown field", trace, index, event | {"extra": 1}, "unknown field `extra`")
        less = {name: value for name, value in event.items() if name != "state"}
        if trace[0]["format"] == "claim-trace/1":
            yield at_event(f"{op} without state", trace, index, less, "field `state` is missing")


def element_cases() -> Iterator[Case]:
    """Inside of lists."""
    for op, field, values in [
        ("create_domain", "node_affinity", [[], [-1], [255], ["0"], [0.5], [None], [64], [2**70]]),
        ("alloc_domheap_pages", "memflags", [["exact"], [1], [None], "exact_node"]),
        ("memory_exchange", "in_mfns", [[-1], [2**60], ["1"], [None]]),
        ("populate_physmap", "mfns", [[-1], [2**60], ["1"], [None]]),
        ("populate_physmap", "preempt_at", [{"extent": 0}, {"scrub_index": 0}, {"extent": -1, "scrub_index": 0}]),
        ("populate_physmap", "preempted", ["", "Scrubbing", "between"]),
    ]:
        trace, index = first_of_each_op()[op]
        for value in values:
            says = f"`{field}"
            yield at_event(f"{op} {field} {value}", trace, index, trace[1 + index] | {field: value}, says)
    for op in ("install_claim_set", "claim_memory"):
        trace, index = first_of_each_op()[op]
        claim = trace[1 + index]["claims"][0]
        entries: list[Any] = [None, 3, [], {}, {"pages": 1}, {"target": 0}, claim | {"extra": 1}]
        entries += [claim | {"pages": value} for value in ("1", 1.5, None, *BEYOND)]
        entries += [claim | {"target": value} for value in ("node", "", 1.5, None, *BEYOND)]
        entries += [claim | {"pad": value} for value in ("1", 1.5, None, *BEYOND)]
        for entry in entries:
            says = "not JSON" if b"NaN" in dumps(entry) or b"Inf" in dumps(entry) else ""
            yield at_event(f"{op} {_shown(entry)}", trace, index, trace[1 + index] | {"claims": [entry]}, says)


def state_cases() -> Iterator[Case]:
    trace, index = first_of_each_op()["install_claim_set"]
    event = trace[1 + index]
    state = event["state"]
    domid = next(iter(state["domains"]))

    def case(name: str, says: str, **changes: Any) -> Case:
        return at_event(f"state: {name}", trace, index, event | {"state": state | changes}, says)

    def domain_case(name: str, says: str, **changes: Any) -> Case:
        return case(name, says, domains=state["domains"] | {domid: state["domains"][domid] | changes})

    for field in State.__struct_fields__:
        for value in WRONG[type(state[field])]:
            yield case(f"{field} {_shown(value)}", f"`state.{field}", **{field: value})
        less = {name: value for name, value in state.items() if name != field}
        yield at_event(f"state without {field}", trace, index, event | {"state": less}, f"`{field}`")
    for field in ("total_avail_pages", "outstanding_claims"):  # negative ones are observations
        for value in (2**63, -(2**63) - 1, 10**30, float("nan"), float("inf")):
            yield case(f"{field} {_shown(value)}", "", **{field: value})
    for field in ("node_avail_pages", "node_outstanding_claims"):
        for numbers in ([], [1], [1, 2, 3], [0.5, 1], [None, 1], ["1", 1], [2**63, 1]):
            yield case(f"{field} {numbers}", f"`state.{field}", **{field: numbers})
    for field, right in state["domains"][domid].items():
        for value in [*WRONG[type(right)], *(BEYOND[:4] if type(right) is int else [])]:
            yield domain_case(f"domains.{field} {_shown(value)}", field, **{field: value})
    for numbers in ([], [1], [1, 2, 3], [-1, 0], [2**32, 0], [None, 0]):
        yield domain_case(f"claims {numbers}", "claims", claims=numbers)
    yield domain_case("unknown field", "unknown field `limbo`", limbo=1)
    yield domain_case("claim_node below -1", "claim_node", claim_node=-2)
    for key in ("one", "", "1.0", "01", "1e2", " 1"):
        yield case(f"domain id {key!r}", "domains", domains={key: state["domains"][domid]})
    yield case("unknown counter", "unknown field `free`", free=1)


# --- headers ---------------------------------------------------------------------------------------------------------


def header_cases() -> Iterator[Case]:
    header = json.loads(GOOD[0])
    host = header["host"]
    for field in [field.name for field in msgspec.structs.fields(Header) if field.required]:
        if field == "format":
            continue
        less = {name: value for name, value in header.items() if name != field}
        yield at_header(f"header without {field}", less, f"`{field}`")
    for field in Header.__struct_fields__:
        right = header.get(field, 0 if field == "seed" else [])
        for value in WRONG[type(right)]:
            yield at_header(f"header {field} {_shown(value)}", header | {field: value}, f"`{field}`")
    for field in [field.name for field in msgspec.structs.fields(HostShape) if field.required]:
        less = {name: value for name, value in host.items() if name != field}
        yield at_header(f"host without {field}", header | {"host": less}, f"`{field}`")
    for span in (*WRONG[int], *BEYOND[:4], 0, 3, 7, 2**41):
        yield at_header(f"node_span {_shown(span)}", header | {"host": host | {"node_span": span}}, "node_span")
    for nodes in ([], [9], [4, 9], [-1, 4], ["4"], [1.5], [None], [2**41], [0] * 65, "44", {}, None, [True]):
        yield at_header(f"nodes {str(nodes)[:20]}", header | {"host": host | {"nodes": nodes}}, "nodes")
    huge = {"node_span": 2**40, "nodes": [2**40, 2**40]}
    yield at_header("more memory than there can be", header | {"host": huge}, "52-bit physical addresses")
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "1.0", "0x10", "+1", "1_000", "9" * 5000):
        yield at_header(f"seed {number:.9}", GOOD[0][:-1] + f',"seed":{number}}}'.encode(), "")
    for version in ("claim-trace/3", "claim-trace/0", "claim-trace", "", "CLAIM-TRACE/1", "a\nb\x1b[31m", "x" * 10**5):
        yield at_header(f"format {version!r:.20}", header | {"format": version, "more": 1}, "unknown format")
    for semantics in ("claim-sets ", "", "legacy", "Claim-Sets", "a\nb", "x" * 10**5):
        yield at_header(f"semantics {semantics!r:.20}", header | {"semantics": semantics}, "unknown")
    yield at_header("header with an unknown field", header | {"extra": 1}, "unknown field `extra`")
    for field, value in {"last_alloc_node": [-1, 255, "0", 0.5, None, True], "debug_build": [0, "yes", None]}.items():
        for wrong in value:
            yield at_header(f"{field} {_shown(wrong)}", header | {"host": host | {field: wrong}}, f"`host.{field}`")
    beyond = header | {"host": host | {"last_alloc_node": 2}}
    yield at_header("last_alloc_node beyond the host", beyond, "field `host.last_alloc_node`: the host has no node 2")
    plain = {name: value for name, value in host.items() if name != "last_alloc_node"}
    first = header | {"format": "claim-trace/1", "host": plain}
    yield at_header("header with extension fields", first | {"expect": ["entitlement"]}, "claim-trace/2")
    for field, extension in {"llc_coloring": True, "last_alloc_node": 0, "debug_build": True}.items():
        extended = first | {"host": plain | {field: extension}}
        yield at_header(f"header with the extension's host.{field}", extended, "claim-trace/2")
