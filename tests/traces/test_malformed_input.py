"""Whatever is wrong with a file is one line that names file and line, exit 2; the traces in front of it are reported.

The corruptions are made from the types of the events, and by hand for what the types do not say.
"""

import copy
import gzip
import io
import json
import os
import re
import subprocess
import sys
import threading
import typing
import zlib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from proofs.cli.main import main
from proofs.operations import Event, Events2, State
from proofs.replay import files
from proofs.traces import TraceError, reader
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


def at_event(name: str, trace: list[Json], index: int, bad: bytes | Json, says: str) -> Case:
    """A good trace, then this one with another line in place of one event."""
    lines = [dumps(line) for line in trace]
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


# --- events in the wrong place ---------------------------------------------------------------------------------------


def order_cases() -> Iterator[Case]:
    recorded_trace = recorded(1)[0]
    first = first_of_each_op()
    for op in OPS:
        trace, index = first[op]
        moved = [trace[0], trace[1 + index], *trace[1:]]
        if op == "boot":
            moved[1:1] = [trace[1]]
            yield at_event("a second boot", moved, 1, moved[2], "a second boot")
            late = [*trace[:4], trace[1]]
            yield at_event("a second boot, later", late, 3, late[4], "a second boot")
        else:
            yield at_event(f"{op} before boot", moved, 0, moved[1], f"{op} before boot")
    created = recorded_trace[2]
    twice = [*recorded_trace[:3], created, *recorded_trace[3:]]
    yield at_event("a domain twice", twice, 2, created, "domain 1 exists already")
    own = own_traces()[0]
    yield at_event("a domain twice in the extension", [*own[:3], own[2]], 2, own[2], "domain 1 exists")
    for op in ("set_max_pages", "install_claim_set", "set_outstanding_pages", "alloc_domheap_pages", "domain_kill"):
        for number, (trace, index) in enumerate((first[op], _in_own(op))):
            for domid in (7, 32751):
                bad = trace[1 + index] | {"domid": domid}
                yield at_event(f"{op} of no domain {domid} ({number})", trace, index, bad, f"no domain {domid}")
    for op in ("alloc_heap_pages", "assign_pages", "relinquish_memory", "domain_destroy"):
        trace, index = first[op]
        yield at_event(f"{op} of no domain", trace, index, trace[1 + index] | {"domid": 7}, "no domain 7")
    for domid in (32752, 2**31):
        bad = created | {"domid": domid}
        yield at_event(f"domain id {domid}", recorded_trace, 1, bad, "`domid`")
    crash = {"op": "domain_kill", "domid": 1, "crash": "Assertion failed"}
    ended = [*recorded_trace[:3], crash, *recorded_trace[3:]]
    yield at_event("an event after a crash", ended, 3, ended[4], "after the crash")
    yield at_event("a crash with a state", recorded_trace, 1, created | {"crash": "x"}, "both `crash` and `state`")
    yield at_event("a builder in claim-trace/1", recorded_trace, 1, created | {"builder": "a"}, "claim-trace/2")
    header = [recorded_trace[0], recorded_trace[0], *recorded_trace[1:]]
    ends = at_event("a trace of a header", header, 0, header[1], "ends before boot")
    yield ends
    less = {name: value for name, value in json.loads(GOOD[0]).items() if name != "format"}
    yield Case("a header without format", b"\n".join([dumps(less), *GOOD[1:]]), 1, 0, "field `format` is missing")
    headless = b"\n".join(GOOD[1:])
    yield Case("no header", headless, 1, 0, "an event before any header line")
    content = b"\n".join(GOOD[:1])
    yield Case("a header only", content, 1, 0, "ends before boot")
    yield Case("a header only, behind a trace", b"\n".join([*GOOD, GOOD[0]]), 6, GOOD_EVENTS, "ends before boot")


def _in_own(op: str) -> tuple[list[Json], int]:
    own = own_traces()[0]
    return own, next(i for i, event in enumerate(own[1:]) if event["op"] == op and event.get("domid") is not None)


def misuse_cases() -> Iterator[Case]:
    """What cannot be done: types and order are right, but the hypervisor never does it."""
    trace = recorded(1)[0]
    index = next(i for i, event in enumerate(trace[1:]) if event["op"] == "free_domheap_pages")
    event = trace[1 + index]
    twice = [*trace[: index + 2], event]
    yield at_event("freed twice", twice, index + 1, event, "free_domheap_pages: mfn")
    for mfn, order in [(0, 0), (1, 1), (6, 0), (7, 1), (16, 0), (10, 0), (2**52, 0), (0, 20), (0, 21), (0, 63), (6, 3)]:
        if (mfn, order) != (6, 0):  # a part of what was allocated: that may be freed, and the counters tell
            bad = event | {"mfn": mfn, "order": order}
            yield at_event(f"free of mfn {mfn} order {order}", trace, index, bad, "mfn")
    index = next(i for i, event in enumerate(trace[1:]) if event["op"] == "offline_page")
    for mfn in (10, 16, 2**52):
        bad = trace[1 + index] | {"mfn": mfn}
        yield at_event(f"offline of mfn {mfn}", trace, index, bad, f"the host has no mfn {mfn}")
    bad = trace[2] | {"node_affinity": [2, 63]}
    yield at_event("affinity with no node of the host", trace, 1, bad, "no node of its node_affinity is online")
    index = next(i for i, event in enumerate(trace[1:]) if event["op"] == "set_outstanding_pages")
    for node in (0, None):
        bad = trace[1 + index] | {"node": node}
        yield at_event(f"a legacy claim on node {node}", trace, index, bad, "claim-sets has no field `node`")
    index = next(i for i, event in enumerate(trace[1:]) if event["op"] == "alloc_domheap_pages")
    event = trace[1 + index]
    bad = event | {"memflags": ["no_refcount"]}
    yield at_event("a flag of the extension", trace, index, bad, "no_refcount needs claim-trace/2")
    without = {name: value for name, value in event.items() if name != "on_node"}
    yield at_event("mfn without on_node", trace, index, without, "field `on_node`")
    yield at_event("no mfn, but on_node", trace, index, event | {"mfn": None}, "field `on_node`")
    yield at_event("order 64", trace, index, event | {"order": 64}, "`order`")
    own, builders, *_others = own_traces()
    first = {event["op"]: index for index, event in reversed(list(enumerate(own[1:])))}
    for name, changes, says in [
        ("assign_pages", {"mfn": 15, "order": 0}, "not allocated"),
        ("assign_pages", {"mfn": 3}, "not aligned"),
        ("assign_pages", {"order": 63}, "mfn"),
        ("free_heap_pages", {"mfn": 2, "order": 1}, "still belongs to d1"),
        ("free_heap_pages", {"mfn": 9}, "not allocated"),
        ("online_page", {"mfn": 16}, "the host has no mfn"),
        ("relinquish_memory", {"domid": 2}, "not dying"),
        ("domain_destroy", {"domid": 2}, "not dying"),
        (
            "claim_memory",
            {"claims": [{"pages": 1, "target": 0, "cmd": 1}]},
            "calls the reserved field of an entry `pad`",
        ),
    ]:
        bad = own[1 + first[name]] | changes
        yield at_event(f"{name} {changes}", own, first[name], bad, says)
    nobody = {"op": "continue", "builder": "c", "state": own[3]["state"]}
    yield at_event("continue of an unknown builder", own, 3, nobody, "builder c has nothing to continue")
    without = {"op": "continue", "result": "OK", "state": own[3]["state"]}
    yield at_event("continue of no builder", own, 3, without, "field `builder` is missing")
    busy = next(i for i, event in enumerate(builders[1:]) if "builder" in event) + 1
    for event in ({"op": "claim_pages", "domid": 1, "nr_extents": 1}, {"op": "max_mem", "domid": 1, "max_pages": 1}):
        bad = event | {"builder": "a", "state": builders[busy]["state"]}
        yield at_event(f"{event['op']} of a busy builder", builders, busy, bad, "builder a has not ended")
    again = builders[busy + 2] | {"builder": "c\n\x00"}
    yield at_event("a builder's name of two lines", builders, busy + 1, again, "builder c\\n\\x00 has nothing")


# --- lines that are no JSON, or no event ------------------------------------------------------------------------------


def line_cases() -> Iterator[Case]:
    trace = recorded(1)[0]
    line = dumps(trace[4])
    junk: list[tuple[str, bytes, str]] = [
        ("text", b"hello", "not JSON"),
        ("a number", b"5", "Expected `object`"),
        ("a list", b"[]", "Expected `object`"),
        ("null", b"null", "Expected `object`"),
        ("a text", b'"op"', "Expected `object`"),
        ("an empty object", b"{}", "`op`"),
        ("no op", line.replace(b'"op":"install_claim_set",', b""), "`op`"),
        ("single quotes", line.replace(b'"', b"'"), "not JSON"),
        ("two objects", line + line, "not JSON"),
        ("a comma behind", line[:-1] + b",}", "not JSON"),
        ("a byte order mark", b"\xef\xbb\xbf" + line, "not JSON"),
        ("UTF-16", line.decode().encode("utf-16"), "not JSON"),
        ("a zero byte", line.replace(b":", b":\0", 1), "not JSON"),
        ("zero bytes", bytes(1000), "not JSON"),
        ("binary", bytes(range(256)).replace(b"\n", b""), "not JSON"),
        ("a control character in a text", line.replace(b"OK", b"O\tK"), "not JSON"),
        ("half of a surrogate pair", line.replace(b'"OK"', b'"\\ud800"'), "not JSON"),
        ("an unknown escape", line.replace(b"OK", b"\\q"), "not JSON"),
        ("invalid UTF-8 in a value", line.replace(b"OK", b"\xff\xfe"), "not UTF-8"),
        ("invalid UTF-8 in a name", line.replace(b"result", b"res\xc3ult"), "not UTF-8"),
        ("invalid UTF-8 in the op", line.replace(b"install", b"inst\xa0all"), "not UTF-8"),
        ("invalid UTF-8 in a header", GOOD[0].replace(b"claim-trace", b"claim\xf0"), "not UTF-8"),
        ("Latin-1", line.replace(b"OK", "é".encode("latin-1")), "not UTF-8"),
        ("deep in an event", b'{"op":"boot","x":' + b"[" * 10**6, ""),
        ("deep in the op", b'{"op":' + b"[" * 10**6, "nested too deep"),
        ("deep in the format", b'{"format":' + b"[" * 10**6, "nested too deep"),
        ("deep in the format, closed", b'{"format":' + b"[" * 900 + b"]" * 900 + b"}", ""),
        ("deep in the state", b'{"op":"boot","state":' + b'{"a":' * 10**6, ""),
        ("deep", b"[" * 10**6 + b"]" * 10**6, ""),
        ("deep objects", b'{"a":' * 10**6, ""),
        ("a long text", b'{"op":"boot","crash":"' + b"x" * 10**6, "not JSON"),
        ("a long op", b'{"op":"' + b"x" * 10**6 + b'"}', "unknown op 'xxxx"),
        ("a long unknown field", b'{"op":"boot","' + b"x" * 10**6 + b'":1}', "unknown field"),
        ("line ends in an unknown field", b'{"op":"boot","a\\nb\\u2028c\\u001b[31m":1}', "`a\\nb\\u2028c\\x1b[31m`"),
        ("line ends in the op", b'{"op":"a\\nb"}', "unknown op 'a\\nb'"),
        ("an unknown op, then no JSON", b'{"op":"nope", what', "unknown op 'nope'"),
    ]
    for op in ("", "Boot", "boot ", "alloc_pages", "domain_create", "nope"):
        junk.append((f"op {op!r}", line.replace(b"install_claim_set", op.encode()), f"unknown op '{op}'"))
    for op_value in ("5", "null", "true", "[]", "{}", "1.5"):
        junk.append((f"op {op_value}", line.replace(b'"install_claim_set"', op_value.encode()), "`op`"))
    for op in sorted(set(OPS) - {event["op"] for event in trace[1:]}):
        own, index = first_of_each_op()[op]
        junk.append((f"{op} in claim-trace/1", dumps(own[1 + index]), f"unknown op '{op}' for claim-trace/1"))
    for name, bad, says in junk:
        case = at_event(name, trace, 3, bad, says)
        if b'{"format"' in bad[:10]:
            case = at_header(name, bad, says)
        yield case
    for at in range(1, len(line), 9):
        yield at_event(f"an event cut at {at}", trace, 3, line[:at], "not JSON")
    for at in range(1, len(GOOD[0]), 9):
        yield at_header(f"a header cut at {at}", GOOD[0][:at], "not JSON")


# --- files -----------------------------------------------------------------------------------------------------------


def _two_traces() -> bytes:
    lines = [dumps(line) for trace in recorded(2) for line in trace]
    return b"\n".join([*GOOD, *lines]) + b"\n"


def _before(content: bytes) -> tuple[int, int]:
    """(whole lines, whole events) of a content that is cut."""
    lines = content.split(b"\n")[:-1]
    return len(lines), sum(line.startswith(b'{"op"') for line in lines)


def file_cases() -> Iterator[Case]:
    content = _two_traces()
    packed = gzip.compress(content, mtime=0)
    cuts = [*range(2, 40), *range(40, len(packed) - 8, len(packed) // 30), *range(len(packed) - 9, len(packed))]
    for at in sorted(set(cuts)):
        unpacked = zlib.decompressobj(31).decompress(packed[:at])
        lines, events = _before(unpacked)
        yield Case(f"gzip cut at {at} of {len(packed)}", packed[:at], lines + 1, events, "end too early")
    members = gzip.compress(content[:5000]) + gzip.compress(content[5000:])
    cut = len(gzip.compress(content[:5000]))
    lines, events = _before(content[:5000])
    yield Case("gzip cut in the second member's header", members[: cut + 3], lines + 1, events, "end too early")
    whole = content.count(b"\n")
    total = _before(content)[1]
    yield Case("gzip and something behind", packed + b"what", whole + 1, total, "damaged")
    for name, junk in [("text", b"\nhello\n"), ("zeros", bytes(5000)), ("a gzip file", packed[:5000])]:
        yield Case(f"a plain file with {name} behind", content + junk, whole + 1 + (name == "text"), total, "")
    yield Case("empty", b"", 0, 0, "the file is empty")
    yield Case("blank lines", b"\n \n\t\n", 3, 0, "the file is empty")
    yield Case("an empty gzip", gzip.compress(b""), 0, 0, "the file is empty")
    yield Case("gzip of binary", gzip.compress(bytes(range(256))), 1, 0, "not JSON")
    yield Case("gzip of gzip", gzip.compress(packed), 1, 0, "not JSON")
    yield Case("one byte", b"\x1f", 1, 0, "not JSON")
    for name, magic in [
        ("xz", b"\xfd7zXZ\0"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("bzip2", b"BZh91AY"),
        ("zip", b"PK\3\4"),
    ]:
        yield Case(name, magic + bytes(range(255, 0, -1)).replace(b"\n", b""), 1, 0, "not JSON")
    yield Case("an image", b"\x89PNG\r\n\x1a\n" + bytes(100), 1, 0, "not JSON")
    yield Case("a page", b"<!DOCTYPE html>\n<html>\n", 1, 0, "not JSON")
    yield Case("a table", b"op,domid\nboot,1\n", 1, 0, "not JSON")
    yield Case("one JSON document", json.dumps(recorded(1)[0], indent=1).encode(), 1, 0, "")
    long = b'{"op":"boot","crash":"' + b"x" * (reader.LONGEST_LINE + 5)
    yield Case("a line without end", gzip.compress(b"\n".join([*GOOD, long]), 1), 6, GOOD_EVENTS, "longer than 64 MiB")


def flip_cases() -> Iterator[tuple[str, bytes]]:
    """One byte of a gzip file is another. Where that shows depends on the byte; that it shows does not."""
    packed = gzip.compress(_two_traces(), mtime=0)
    last = len(packed) - 1
    for at in [0, 1, 2, 3, *range(10, last - 8, len(packed) // 60), *range(last - 7, last + 1)]:
        yield f"byte {at} of {len(packed)}", packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]


CASES = [
    case
    for group in (
        field_cases,
        element_cases,
        state_cases,
        header_cases,
        order_cases,
        misuse_cases,
        line_cases,
        file_cases,
    )
    for case in group()
]
FLIPS = list(flip_cases())


# --- the tests -------------------------------------------------------------------------------------------------------


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def claimcheck(*args: str) -> Ran:
    """The command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["claimcheck", *args])
        with pytest.raises(SystemExit) as exit_:
            main()
    assert isinstance(exit_.value.code, int)
    return Ran(exit_.value.code, out.getvalue(), err.getvalue())


def assert_one_clear_line(err: str, path: str, line: int | None) -> str:
    """Standard error is one line with file and line (none: any); returns the reason."""
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert len(err) < 500 + len(path)
    number = r":\d+" if line is None else f":{line}" if line else ""
    found = re.fullmatch(rf"claimcheck: {re.escape(path)}{number}: (.*\S)\n", err)
    assert found, err
    assert "Traceback" not in err
    return found[1]


def replay_json(path: Path) -> tuple[Ran, Json]:
    ran = claimcheck("replay", "--json", "--divergences", str(path.parent / "divergences"), str(path))
    return ran, json.loads(ran.out)["files"][0]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_malformed(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(case.content)
    ran, found = replay_json(path)
    assert ran.code == 2
    assert case.says in assert_one_clear_line(ran.err, str(path), case.line)
    assert ran.err == f"claimcheck: {found['error']}\n"
    # All in front of the bad line was replayed (after a crash, which ends its trace, not the one event behind it).
    assert found["events"] + found["skipped"] == case.events
    assert found["divergences"] == [] or "crash" in case.name


@pytest.mark.parametrize(("name", "content"), [pytest.param(*flip, id=flip[0]) for flip in FLIPS])
def test_flipped_byte(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(content)
    ran, found = replay_json(path)
    assert ran.code == 2
    assert_one_clear_line(ran.err, str(path), None)
    whole = _before(_two_traces())[1]
    if name.startswith(tuple(f"byte {len(content) - behind} " for behind in range(1, 9))):  # the checksum, the length
        assert found["events"] == whole


def test_bytes_of_a_gzip_header_that_mean_nothing_do_nothing(tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join(GOOD), mtime=0)
    for at in range(4, 10):  # time, level, system
        (tmp_path / "good.gz").write_bytes(packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :])
        assert claimcheck("replay", str(tmp_path / "good.gz")).code == 0


def test_there_are_300_corruptions_and_no_two_alike() -> None:
    contents = {case.content for case in CASES} | {content for _, content in FLIPS}
    assert len(contents) == len(CASES) + len(FLIPS)
    assert len(contents) >= 300
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_op_and_field_is_among_them() -> None:
    """Each op without its state; each field of it with a wrong type. Fields not in a recording are named here."""
    names = [case.name for case in CASES]
    not_recorded = {"crash", "builder", "state", "pad", "extent_order", "mem_flags", "extent_start"}
    elsewhere = {("set_outstanding_pages", "node"), ("assign_pages", "memflags"), ("populate_physmap", "memflags")}
    for op, type_ in OPS.items():
        assert f"{op} without state" in names
        for field in set(type_.__struct_fields__) - not_recorded:
            if op != "continue" and (op, field) not in elsewhere:
                assert any(name.startswith(f"{op} {field} ") for name in names), (op, field)


@pytest.mark.parametrize("field", ["total_avail_pages", "outstanding_claims", "node_avail_pages"])
def test_a_negative_host_counter_is_an_observation(field: str, tmp_path: Path) -> None:
    trace = copy.deepcopy(recorded(1)[0])
    trace[4]["state"][field] = -1 if isinstance(trace[4]["state"][field], int) else [-(2**63), 0]
    path = tmp_path / "negative.jsonl"
    path.write_bytes(b"\n".join([*GOOD, *map(dumps, trace)]))
    ran, found = replay_json(path)
    assert (ran.code, ran.err) == (1, "")
    divergence = found["divergences"][0]["divergence"]
    assert (divergence["line"], divergence["field"].split("[")[0]) == (len(GOOD) + 5, f"state.{field}")


def test_hypercalls_name_domains_that_are_not_there(tmp_path: Path) -> None:
    """What is misuse of a function is an outcome of a hypercall; so it is for a domain that once was."""
    assert {event["result"] for event in own_traces()[0][1:] if event.get("domid") == 9} == {"ESRCH"}
    (tmp_path / "own.jsonl").write_bytes(b"\n".join(dumps(line) for trace in own_traces() for line in trace))
    ran, found = replay_json(tmp_path / "own.jsonl")
    assert (ran.code, ran.err, found["divergences"]) == (0, "", [])
    assert found["events"] == sum(len(trace) - 1 for trace in own_traces())


def test_a_builder_at_work_at_the_end_of_a_trace_is_fine(tmp_path: Path) -> None:
    trace = own_traces()[1]
    for length in range(2, len(trace) + 1):
        (tmp_path / "part.jsonl").write_bytes(b"\n".join(map(dumps, trace[:length])))
        assert files.replay_file(str(tmp_path / "part.jsonl")).error is None


def test_orders_beyond_the_heap_are_refused_by_the_allocator(tmp_path: Path) -> None:
    trace = recorded(1)[0]
    ops = [(line.get("op"), line.get("mfn")) for line in trace]
    index = ops.index(("alloc_domheap_pages", None))
    for order in (20, 21, 63):
        lines = [*trace[:index], trace[index] | {"order": order}]
        (tmp_path / "order.jsonl").write_bytes(b"\n".join(map(dumps, lines)))
        result = files.replay_file(str(tmp_path / "order.jsonl"))
        assert (result.error, result.divergences, result.events) == (None, [], index)


def test_a_request_for_billions_of_extents_ends(tmp_path: Path) -> None:
    """The observation says that none succeeded: one that does is enough to know better."""
    trace = own_traces()[0]
    index = [line.get("op") for line in trace].index("populate_physmap")
    big = copy.deepcopy(trace[:2])
    big[0]["host"] = {"node_span": 2**40, "nodes": [2**36]}
    big[1]["state"] |= {"total_avail_pages": 2**36, "node_avail_pages": [2**36], "node_outstanding_claims": [0]}
    state = big[1]["state"] | {"domains": {"1": trace[2]["state"]["domains"]["1"] | {"claims": [0]}}}
    create = trace[2] | {"max_pages": 2**32 - 1, "node_affinity": [0], "state": copy.deepcopy(state)}
    create["state"]["domains"]["1"]["max_pages"] = 2**32 - 1
    call = trace[index] | {"domid": 1, "nr_extents": 2**32, "mfns": [], "node": None}
    (tmp_path / "big.jsonl").write_bytes(b"\n".join(map(dumps, [*big, create, call])))
    [written] = files.replay_file(str(tmp_path / "big.jsonl")).divergences
    assert (written.divergence.line, written.divergence.expected, written.divergence.observed) == (4, [0], [])


# --- the table, other processes, things that are no files -------------------------------------------------------------


def test_the_table_shows_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\n".join([*GOOD, *GOOD, b"what"]))
    ran = claimcheck("replay", str(path))
    assert ran.code == 2
    assert_one_clear_line(ran.err, str(path), 11)
    row = next(line for line in ran.out.splitlines() if line.strip().startswith(str(path)))
    assert row.removeprefix(f" {path}").split()[:6] == ["claim-sets", "2", "8", "90", "0", "0"]


def test_other_files_are_replayed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"what")
    (tmp_path / "good.jsonl").write_bytes(b"\n".join(GOOD))
    for jobs in ("1", "2"):
        ran = claimcheck("replay", "--json", "--jobs", jobs, *(str(tmp_path / f"{n}.jsonl") for n in ("bad", "good")))
        assert ran.code == 2
        assert_one_clear_line(ran.err, str(tmp_path / "bad.jsonl"), 1)
        assert [file["events"] for file in json.loads(ran.out)["files"]] == [0, 4]


@pytest.mark.parametrize("name", ["directory", "missing", "no/such/folder", "secret", "x" * 300, "zero\0byte"])
def test_what_is_no_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{tmp_path}/{name}"
    if name == "directory":
        Path(path).mkdir()
    if name == "secret":

        def refuse(*_: object) -> typing.NoReturn:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(reader.io, "FileIO", refuse)
    ran = claimcheck("replay", path)
    assert ran.code == 2
    assert_one_clear_line(ran.err, path.replace("\0", "\\x00"), 0)


class _Failing(io.RawIOBase):
    """A file whose disk fails in the middle."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self.content:
            raise OSError(5, "Input/output error")
        data, self.content = self.content[:700], self.content[700:]
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_fails_in_the_middle(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join([*GOOD, *GOOD]) + b"\n"
    data = gzip.compress(content)[:-8] if packed else content
    monkeypatch.setattr(reader.io, "FileIO", lambda _path: _Failing(data))
    ran = claimcheck("replay", "--json", "disk.jsonl")
    assert (ran.code, ran.err) == (2, "claimcheck: disk.jsonl:11: cannot be read: Input/output error\n")
    assert json.loads(ran.out)["files"][0]["events"] == 2 * GOOD_EVENTS


def test_a_file_that_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader.io, "FileIO", lambda _path: _Failing(b""))
    assert claimcheck("replay", "disk.jsonl").err == "claimcheck: disk.jsonl: Input/output error\n"


def test_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([*GOOD, *GOOD]))

    def full(replay: files.Replay) -> None:
        if replay.trace.first_line > 1:
            raise MemoryError
        run(replay)

    run = files.Replay.run
    monkeypatch.setattr(files.Replay, "run", full)
    ran = claimcheck("replay", str(tmp_path / "a.jsonl"))
    assert (ran.code, ran.err) == (2, f"claimcheck: {tmp_path}/a.jsonl: out of memory behind 4 events\n")


def test_a_divergence_before_a_bad_line_of_the_same_trace_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "both.jsonl"
    path.write_bytes(b"\n".join([*GOOD, b"{"]).replace(b'"tot_pages":2', b'"tot_pages":3'))
    ran = claimcheck("replay", "--divergences", str(tmp_path / "out"), str(path))
    assert ran.code == 2
    assert ran.err.startswith(f"claimcheck: {path}:6: ")
    assert "tot_pages: expected 2, observed 3" in ran.out
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_divergence_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "diverges.jsonl"
    path.write_bytes(b"\n".join(GOOD).replace(b'"mfn":8', b'"mfn":7'))
    (tmp_path / "file").touch()
    ran = claimcheck("replay", "--divergences", str(tmp_path / "file"), str(path))
    assert ran.code == 2
    assert "cannot write the trace of a divergence" in assert_one_clear_line(ran.err, str(tmp_path / "file"), 0)
    assert "mfn: expected 8, observed 7" in ran.out


@pytest.mark.parametrize("name", ["a[b]:100:", "two\nlines", "\udcff", "a\x1b[31mb", "ü ✓"])
def test_names_of_files(name: str, tmp_path: Path) -> None:
    """They are not markup, emojis or commands to the terminal; bytes that are no text are shown all the same."""
    for content, code in ((GOOD, 0), ([*GOOD, b"what"], 2), (b"\n".join(GOOD).replace(b'"mfn":8', b'"mfn":7'), 1)):
        path = f"{tmp_path}/{name}.jsonl"
        Path(path).write_bytes(content if isinstance(content, bytes) else b"\n".join(content))
        for options in ([], ["--json"]):
            ran = claimcheck("replay", "--divergences", str(tmp_path / "out"), *options, path)
            shown = path.encode("unicode_escape").decode() if not path.isprintable() else path
            assert ran.code == code
            assert (shown in ran.out) or (json.dumps(shown)[1:-1] in ran.out) or shown.replace("\\", "\\\\") in ran.out
            if code == 2:
                assert_one_clear_line(ran.err, shown, 6)


PROCESS = [
    ("not JSON", b"\n".join([*GOOD, b"what"]), 6),
    ("cut gzip", gzip.compress(b"\n".join([*GOOD, b""]))[:-3], 6),
    ("deep", b"\n".join([*GOOD, b"[" * 10**6]), 6),
    ("invalid UTF-8", b"\n".join([*GOOD, b'{"op":"\xff"}']), 6),
    ("misuse", b"\n".join([*GOOD, *GOOD]).replace(b'"domid":1,"order"', b'"domid":2,"order"', 1), 5),
    ("empty", b"", 0),
]


@pytest.mark.parametrize(("name", "content", "line"), PROCESS, ids=[name for name, *_ in PROCESS])
def test_as_a_process(name: str, content: bytes, line: int, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    ran = subprocess.run(
        [sys.executable, "-m", "proofs.cli.main", "replay", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert_one_clear_line(ran.stderr, str(path), line)
    assert str(path) in ran.stdout


@pytest.mark.parametrize("content", [b"\n".join(GOOD), gzip.compress(b"\n".join(GOOD))], ids=["plain", "gzip"])
def test_a_pipe_is_a_file(content: bytes, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    ran = claimcheck("replay", "--json", str(tmp_path / "pipe"))
    writer.join()
    assert (ran.code, json.loads(ran.out)["total"]["events"]) == (0, GOOD_EVENTS)


def test_the_error_knows_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join([*GOOD, b"what"]))
    with pytest.raises(TraceError) as error:
        list(reader.read_traces(tmp_path / "bad.jsonl"))
    assert (error.value.path, error.value.line) == (str(tmp_path / "bad.jsonl"), 6)
    assert error.value.reason.startswith("not JSON: ")
