"""Every observation of every op, corrupted: the samples are recorded events, the cases are made from the types."""

import copy
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec

from proofs.operations import DomainCounters, Event, Events1, Events2, State
from proofs.traces.events import FORMAT_1
from reference.constants import UINT_MAX
from tests.traces.recording import CONFORMANCE, RECORDED, Json, own_traces, recorded

OPS: dict[str, type[Event]] = {op.__struct_config__.tag: op for op in typing.get_args(Events2)}
OPS_1 = {op.__struct_config__.tag for op in typing.get_args(Events1)}


class Sample(NamedTuple):
    """An event, in its trace: ``trace[0]`` is the header, ``trace[1 + index]`` the event."""

    trace: list[Json]
    index: int

    @property
    def event(self) -> Json:
        return self.trace[1 + self.index]

    @property
    def op(self) -> str:
        return str(self.event["op"])

    def shape(self) -> tuple[Any, ...]:
        """Events of one op that differ in what is observed of them."""
        outcome = tuple((name, self.event[name] is None) for name in OPS[self.op].observed if name in self.event)
        return (self.trace[0]["format"], self.op, "builder" in self.event, outcome)


class ExpectedDivergence(NamedTuple):
    """What the replay must report."""

    field: str
    expected: Any
    observed: Any


class ExpectedError(NamedTuple):
    """What the error must say."""

    says: str


class ExpectedAcceptance(NamedTuple):
    """In claim-trace/2, what was not observed is not compared."""


class Case(NamedTuple):
    """A corrupted copy of the sample's event. ``path`` is the observation, as the types have it."""

    sample: Sample
    path: str
    name: str
    event: Json
    outcome: ExpectedDivergence | ExpectedError | ExpectedAcceptance

    @property
    def id(self) -> str:
        actor = f" by {self.sample.event['builder']}" if "builder" in self.sample.event else ""
        header = self.sample.trace[0]
        version = f"v{header['format'][-1]}" if header["semantics"] == "claim-sets" else header["semantics"]
        return f"{version} {self.sample.op} {self.sample.index}{actor}: {self.path}: {self.name}"


DOMAINS_LEFT = {"boot": 0, "domain_destroy": 1, "destroydomain": 1}


@cache
def samples() -> list[Sample]:
    """The first event of each shape; of an op on domains, one with two of them in the state."""
    found: dict[tuple[Any, ...], Sample] = {}
    for trace in [*recorded(4), *own_traces()]:
        for index, event in enumerate(trace[1:]):
            sample = Sample(trace, index)
            if len(event["state"]["domains"]) == (DOMAINS_LEFT.get(event["op"], 2)):
                found.setdefault(sample.shape(), sample)
    return list(found.values())


@cache
def samples_of_other_generations() -> list[Sample]:
    """An event of each recorded generation, whose domains have other counters."""
    found = []
    for path in sorted(CONFORMANCE.glob("*.jsonl.gz")):
        traces = recorded(8, path) if path != RECORDED else []
        found += [
            Sample(trace, index)
            for trace in traces
            if len(trace[0]["host"]["nodes"]) == 2
            for index, event in enumerate(trace[1:])
            if event["op"] == "set_outstanding_pages" and event["state"]["domains"]
        ][:1]
    return found


def recorded_crash() -> Sample:
    """Where the hypervisor hit its own assertion, and the reference does."""
    for trace in recorded(40, CONFORMANCE / "single-node-v4.jsonl.gz"):
        if "crash" in trace[-1]:
            return Sample(trace, len(trace) - 2)
    raise AssertionError


def changed(sample: Sample, change: Callable[[Json], object]) -> Json:
    event = copy.deepcopy(sample.event)
    change(event)
    return event


# --- the outcome -----------------------------------------------------------------------------------------------------


def _other_result(result: str) -> list[str]:
    return ["EINVAL" if result == "OK" else "OK", "", "ok"]


def _counts(count: int) -> list[int]:
    return [count + 1, count - 1] if count else [count + 1]


def _no_frames(mfn: int | None) -> list[int | None]:
    """No block; a block that the host does not have; another than the only one observed."""
    return [2**52] if mfn is None else [None, 2**52]


def _lists(mfns: list[int]) -> list[list[int]]:
    lists = [[*mfns, 2**52], [*mfns, 15]]
    if mfns:
        lists += [mfns[:-1], [*mfns[:-1], 2**52], []]
    return lists


LEGAL = "a block that the hypervisor may take there"

OUTCOMES: dict[str, Callable[[Any], list[Any]]] = {
    "result": _other_result,
    "mfn": _no_frames,
    "on_node": lambda node: [node + 1, 254],
    "mfns": _lists,
    "pages": _counts,
    "tot_pages": _counts,
    "max_pages": _counts,
    "outstanding_pages": _counts,
    "free_pages": _counts,
    "needed": _counts,
    "nr_done": _counts,
    "preempted": lambda why: [
        None if why else "between extents",
        "scrubbing" if why != "scrubbing" else "between extents",
    ],
    "scrub_index": lambda index: [*_counts(index), 0],
    "claims": lambda claims: [claims[:-1], [*claims, claims[0]], []],
}
"""Observed field -> other values than the recorded one."""

ADDED: dict[str, Any] = {
    "result": "OK",
    "mfn": 3,
    "on_node": 0,
    "mfns": [3],
    "pages": 0,
    "tot_pages": 0,
    "max_pages": 0,
    "outstanding_pages": 0,
    "free_pages": 0,
    "needed": 0,
    "nr_done": 0,
    "preempted": "scrubbing",
    "scrub_index": 256,
    "claims": [],
}
"""Observed field -> a value, where none was recorded."""


def outcome_cases(sample: Sample) -> Iterator[Case]:
    event, op = sample.event, OPS[sample.op]
    plain = "builder" not in event
    for field in op.observed:
        if field not in event:
            # The reader knows: no block, no node.
            lone = sample.op.startswith("alloc_") and (field == "mfn" or (field == "on_node" and "mfn" in event))
            outcome = ExpectedError("field `on_node`") if lone else ExpectedDivergence(field, "absent", ADDED[field])
            yield Case(sample, field, "added", event | {field: ADDED[field]}, outcome)
            continue
        right = event[field]
        for value in OUTCOMES[field](right):
            corrupted = event | {field: value}
            if field == "mfn" and value is None:
                corrupted.pop("on_node")
            elif field == "mfn" and right is None:
                corrupted["on_node"] = 0
            expected = right
            if field == "mfns" and plain and len(value) < len(right):
                expected = right[: len(value) + 1]  # one more than observed is enough
            if field == "mfn" and plain and right is not None:
                expected = LEGAL
            yield Case(sample, field, f"{value!r:.40}", corrupted, ExpectedDivergence(field, expected, value))
        corrupted = {name: value for name, value in event.items() if name != field}
        lone_block = field == "on_node" and sample.op.startswith("alloc_")
        required = lone_block or sample.trace[0]["format"] == FORMAT_1
        outcome = ExpectedError(f"field `{field}`") if required else ExpectedAcceptance()
        yield Case(sample, field, "removed", corrupted, outcome)


def crash_cases(sample: Sample) -> Iterator[Case]:
    event = sample.event
    text = "Assertion 'd->tot_pages' failed"
    keep = {name: value for name, value in event.items() if name not in (*OPS[sample.op].observed, "state")}
    yield Case(
        sample, "crash", "in place of the state", keep | {"crash": text}, ExpectedDivergence("crash", "no crash", text)
    )
    both = event | {"crash": text}
    yield Case(sample, "crash", "with a state", both, ExpectedError("both `crash` and `state`"))
    yield Case(sample, "crash", "removed, and no state", keep, _lacking(sample, "field `state` is missing"))
    for field in OPS[sample.op].observed:
        more = keep | {"crash": text, field: ADDED[field]}
        yield Case(sample, "crash", f"with {field}", more, ExpectedError(f"both `crash` and `{field}`"))


# --- the counters ----------------------------------------------------------------------------------------------------


def state_cases(sample: Sample) -> Iterator[Case]:
    """Each number up and down, each list shorter and longer, each field removed; the domains."""
    state = sample.event["state"]
    yield from _struct_cases(sample, State, state, ("state",), set(state))
    domains = state["domains"]
    for domid, counters in domains.items():
        path = ("state", "domains", domid)
        yield from _struct_cases(sample, DomainCounters, counters, path, set(DomainCounters.__struct_fields__))
        without = changed(sample, lambda event, domid=domid: event["state"]["domains"].pop(domid))
        yield Case(
            sample,
            "state.domains.*",
            f"without {domid}",
            without,
            ExpectedDivergence(".".join(path), counters, "absent"),
        )
    extra = {"max_pages": 0, "tot_pages": 0}
    more = changed(sample, lambda event: event["state"]["domains"].update({"77": extra}))
    yield Case(sample, "state.domains.*", "one more", more, ExpectedDivergence("state.domains.77", "absent", extra))


ADDED_COUNTERS: Json = {
    "global_claims": 0,
    "node_claims": 0,
    "claims": [0, 0],
    "outstanding_pages": 0,
    "claim_node": -1,
    "pending_scrub": {"mfn": 0, "order": 9, "scrub_index": 256},
    "creation_finished": True,
}
"""What a generation may not have."""
STASH = ("pending_scrub", "creation_finished")
"""Any generation's trace may have them, and none has to."""


def _lacking(sample: Sample, says: str) -> ExpectedError | ExpectedAcceptance:
    """A state that lacks what every generation has: an error, or in claim-trace/2 not observed."""
    return ExpectedAcceptance() if sample.trace[0]["format"] == "claim-trace/2" else ExpectedError(says)


def _finished(sample: Sample, domid: str) -> bool:
    """Whether creation of the domain is finished; all have one pause."""
    done = sample.trace[1 : sample.index + 2]
    return any(e["op"] == "unpausedomain" and e["domid"] == int(domid) and e["result"] == "OK" for e in done)


def _struct_cases(
    sample: Sample, struct: type[msgspec.Struct], record: Json, path: tuple[str, ...], fields: set[str]
) -> Iterator[Case]:
    required = {field.name for field in msgspec.structs.fields(struct) if field.required}
    general = ".".join("*" if part.isdecimal() else part for part in path)
    for field in struct.__struct_fields__:
        where = f"{general}.{field}"
        name = ".".join((*path, field))
        if field == "domains":
            without = changed(sample, lambda event, field=field: _at(event, path).pop(field))
            yield Case(sample, where, "removed", without, _lacking(sample, f"`{field}`"))
            continue
        if field not in record:
            assert field in fields
            value, expected = ADDED_COUNTERS[field], "absent"
            if field == "pending_scrub":
                expected = None
            elif field == "creation_finished":
                expected = _finished(sample, path[-1])
                value = not expected
            added = changed(sample, lambda event, f=field, v=value: _at(event, path).update({f: v}))
            yield Case(sample, where, f"{name} added", added, ExpectedDivergence(name, expected, value))
            continue
        right = record[field]
        if field in STASH:
            yield from _stash_cases(sample, where, path, field, right)
            continue
        without = changed(sample, lambda event, field=field: _at(event, path).pop(field))
        lost = _lacking(sample, f"`{field}`") if field in required else ExpectedDivergence(name, right, "absent")
        yield Case(sample, where, f"{name} removed", without, lost)
        if isinstance(right, list):
            for index, number in enumerate(right):
                yield from _number_cases(sample, f"{where}[]", (*path, field), index, number)
            for values in (right[:-1], [*right, 0], []):
                resized = changed(sample, lambda event, f=field, v=values: _at(event, path).update({f: v}))
                yield Case(
                    sample, where, f"{name} of {len(values)}", resized, ExpectedError(f"field `{name}` must have")
                )
        else:
            yield from _number_cases(sample, where, path, field, right)


def _stash_cases(sample: Sample, where: str, path: tuple[str, ...], field: str, right: Any) -> Iterator[Case]:
    name = ".".join((*path, field))
    without = changed(sample, lambda event: _at(event, path).pop(field))
    yield Case(sample, where, f"{name} removed", without, ExpectedAcceptance())
    if field == "creation_finished":
        wrong: list[tuple[Any, ExpectedDivergence]] = [(not right, ExpectedDivergence(name, right, not right))]
    elif right is None:
        there = ADDED_COUNTERS["pending_scrub"]
        wrong = [(there, ExpectedDivergence(name, None, there))]
    else:
        wrong = [(None, ExpectedDivergence(name, right, None))]
        wrong += [(right | {part: n + 1}, ExpectedDivergence(f"{name}.{part}", n, n + 1)) for part, n in right.items()]
    for value, outcome in wrong:
        corrupted = changed(sample, lambda event, v=value: _at(event, path).update({field: v}))
        yield Case(sample, where, f"{name} = {value}", corrupted, outcome)


def _number_cases(sample: Sample, where: str, path: tuple[str, ...], key: str | int, number: int) -> Iterator[Case]:
    name = ".".join(path) + (f"[{key}]" if isinstance(key, int) else f".{key}")
    for wrong in (number + 1, number - 1):
        corrupted = changed(sample, lambda event, wrong=wrong: _at(event, path).__setitem__(key, wrong))
        # A domain's counters are 32-bit unsigned; the host's are signed, and below zero an observation like others.
        least = -1 if key == "claim_node" else 0
        impossible = "domains" in path and not least <= wrong <= UINT_MAX
        outcome = ExpectedError("field `state.domains") if impossible else ExpectedDivergence(name, number, wrong)
        yield Case(sample, where, f"{name} = {wrong}", corrupted, outcome)


def _at(event: Json, path: tuple[str, ...]) -> Any:
    part: Any = event
    for key in path:
        part = part[key]
    return part


# --- the tests -------------------------------------------------------------------------------------------------------


@cache
def cases() -> list[Case]:
    return [
        case for sample in samples() for case in (*outcome_cases(sample), *crash_cases(sample), *state_cases(sample))
    ]
