"""Runs a difference on the reference: the same events on two hosts, then one call on each."""

from dataclasses import dataclass, field
from typing import Any

from model.properties.comparison import ACCEPTED, REFUSED
from proofs.explore.outcome import done
from proofs.explore.running import RunningHost
from proofs.operations import EventFields
from proofs.refinement.differences import CallDifference
from proofs.search.events import Trace
from proofs.search.on_reference import observed
from proofs.search.replayed import replay_on_reference


@dataclass
class ReplayedDifference:
    """The result on the reference."""

    trace: Trace
    """The events with the call under test, and the counters after each."""
    differs: list[str] = field(default_factory=list)
    """What differs after the two calls, the value of the call under test first."""
    error: str = ""
    """Why the reference does not show the model's difference; empty: it does."""


def replayed(found: CallDifference) -> ReplayedDifference:
    """Run the difference. Before the last call, all counters of the two hosts and the model must agree."""
    prefix = replay_on_reference(found.before)
    result = ReplayedDifference(_trace_before(found))
    if prefix.difference:
        result.error = f"before the call: {prefix.difference}"
        return result
    shape = tuple(found.before.host["nodes"])
    one, other = RunningHost(found.semantics, shape), RunningHost(found.other, shape)
    _note(result.trace, one)
    for mine, theirs in zip(result.trace.events, found.before.events, strict=True):
        differs = _differs(done(one, mine), done(other, theirs))
        if differs:
            result.error = f"before the call: {'; '.join(differs)}"
            return result
        _note(result.trace, one)
    after = done(one, found.calls[0]), done(other, found.calls[1])
    result.trace.events.append(found.calls[0] | _outcome(after[0]))
    _note(result.trace, one)
    answers = tuple(map(_answer, after))
    if answers != found.answers:
        result.error = f"the answers are {answers} in the reference, {found.answers} in the model"
    result.differs = _differs(*after)
    if not result.differs:
        result.error = result.error or "nothing differs in the reference"
    who = "" if found.other == found.semantics else f" of {found.other}"
    shown = " ".join(f"{name}={value}" for name, value in found.calls[1].items() if name != "op")
    called = f"{found.calls[1]['op']}{who} {shown}"
    result.trace.broken.append(f"the last event / in its place {called}: {'; '.join(result.differs)}")
    return result


def _trace_before(found: CallDifference) -> Trace:
    """The events for the generation under test, with one-node sets for claims on a node."""
    before, events = found.before, []
    for event, state in zip(before.events, before.states, strict=False):
        if event["op"] == "set_outstanding_pages" and "node" in event and found.semantics != found.other:
            claim = {"pages": event["pages"] - state["tot_pages"][event["domid"]], "target": event["node"]}
            events.append({"op": "install_claim_set", "domid": event["domid"], "claims": [claim], "result": "OK"})
        else:
            events.append(event)
    return Trace(found.semantics, "", found.part, before.host, events, [], [])


def _note(trace: Trace, running: RunningHost) -> None:
    trace.states.append(observed(running))


def _differs(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The values that differ among those of both. For an allocation, only whether it got a block is compared."""
    names = [n for n in {**one, **other} if n == "crash" or (n != "on_node" and n in one and n in other)]
    return [f"{n}: {one.get(n)} / {other.get(n)}" for n in names if one.get(n) != other.get(n)]


def _outcome(after: dict[str, Any]) -> EventFields:
    return {name: after[name] for name in ("result", "mfn", "on_node") if name in after}


def _answer(after: dict[str, Any]) -> str:
    if after["crash"] != "none":
        return REFUSED
    if "mfn" in after:
        return REFUSED if after["mfn"] is None else ACCEPTED
    return str(after.get("result", ACCEPTED)).replace("OFFLINED", ACCEPTED)
