"""A difference, done on the reference: the same events on two hosts, then the one call here and the other there."""

from dataclasses import dataclass, field
from typing import Any

from model.properties.comparison import ACCEPTED, REFUSED
from proofs.explore.outcome import done
from proofs.explore.running import Running, Written
from proofs.refinement.differences import CallDifference
from proofs.search.events import Trace
from proofs.search.on_reference import observed
from proofs.search.replayed import replay_on_reference


@dataclass
class ReplayedDifference:
    """What the reference did."""

    trace: Trace
    """The events with the call that is judged, and the counters after each."""
    differs: list[str] = field(default_factory=list)
    """What differs behind the two calls: the one that is judged first."""
    error: str = ""
    """Why the reference does not show what the model says; empty if it does."""


def replayed(found: CallDifference) -> ReplayedDifference:
    """Run it. Before the last call the two hosts have to agree in every counter, with each other and with the model."""
    prefix = replay_on_reference(found.before)
    result = ReplayedDifference(_trace_before(found))
    if prefix.difference:
        result.error = f"before the call: {prefix.difference}"
        return result
    shape = tuple(found.before.host["nodes"])
    one, other = Running(found.semantics, shape), Running(found.other, shape)
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
    """The events as the generation that is judged is given them: one-node sets for claims on a node."""
    before, events = found.before, []
    for event, state in zip(before.events, before.states, strict=False):
        if event["op"] == "set_outstanding_pages" and "node" in event and found.semantics != found.other:
            claim = {"pages": event["pages"] - state["tot_pages"][event["domid"]], "target": event["node"]}
            events.append({"op": "install_claim_set", "domid": event["domid"], "claims": [claim], "result": "OK"})
        else:
            events.append(event)
    return Trace(found.semantics, "", found.part, before.host, events, [], [])


def _note(trace: Trace, running: Running) -> None:
    trace.states.append(observed(running))


def _differs(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What both show, and show differently. Which block an allocation got says no more than whether it got one."""
    names = [n for n in {**one, **other} if n == "crash" or (n != "on_node" and n in one and n in other)]
    return [f"{n}: {one.get(n)} / {other.get(n)}" for n in names if one.get(n) != other.get(n)]


def _outcome(after: dict[str, Any]) -> Written:
    return {name: after[name] for name in ("result", "mfn", "on_node") if name in after}


def _answer(after: dict[str, Any]) -> str:
    if after["crash"] != "none":
        return REFUSED
    if "mfn" in after:
        return REFUSED if after["mfn"] is None else ACCEPTED
    return str(after.get("result", ACCEPTED)).replace("OFFLINED", ACCEPTED)
