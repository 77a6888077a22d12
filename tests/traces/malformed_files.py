"""Traces with events in the wrong place, lines that are no events, and files that are damaged."""

import gzip
import json
import zlib
from collections.abc import Iterator

from proofs.traces import reader
from tests.traces.malformed_values import GOOD_EVENTS, OPS, Case, at_event, at_header, first_of_each_op
from tests.traces.recording import GOOD, Json, dumps, own_traces, recorded

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
    yield Case("only a header after a trace", b"\n".join([*GOOD, GOOD[0]]), 6, GOOD_EVENTS, "ends before boot")


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
            "the reserved field of an entry is named `pad`",
        ),
    ]:
        bad = own[1 + first[name]] | changes
        yield at_event(f"{name} {changes}", own, first[name], bad, says)
    nobody = {"op": "continue", "builder": "c", "state": own[3]["state"]}
    yield at_event("continue of an unknown builder", own, 3, nobody, "builder c has no operation to continue")
    without = {"op": "continue", "result": "OK", "state": own[3]["state"]}
    yield at_event("continue of no builder", own, 3, without, "field `builder` is missing")
    busy = next(i for i, event in enumerate(builders[1:]) if "builder" in event) + 1
    for event in ({"op": "claim_pages", "domid": 1, "nr_extents": 1}, {"op": "max_mem", "domid": 1, "max_pages": 1}):
        bad = event | {"builder": "a", "state": builders[busy]["state"]}
        yield at_event(f"{event['op']} of a busy builder", builders, busy, bad, "builder a has not ended")
    again = builders[busy + 2] | {"builder": "c\n\x00"}
    yield at_event("a builder's name of two lines", builders, busy + 1, again, "builder c\\n\\x00 has no operation")


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
        ("a comma at the end", line[:-1] + b",}", "not JSON"),
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
    yield Case("gzip with trailing data", packed + b"what", whole + 1, total, "damaged")
    for name, junk in [("text", b"\nhello\n"), ("zeros", bytes(5000)), ("a gzip file", packed[:5000])]:
        yield Case(f"a plain file with {name} at the end", content + junk, whole + 1 + (name == "text"), total, "")
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
