"""A trace that a search found, run on the reference: does the code of the rules do the same?"""

from dataclasses import dataclass, field
from typing import Any

from proofs.search.events import Trace

COMPARED = ("total_avail_pages", "outstanding_claims", "node_avail_pages", "node_outstanding_claims")
COMPARED_OF_DOMAIN = ("max_pages", "tot_pages", "global_claims", "node_claims", "claims")


@dataclass
class ReferenceReplay:
    """What the reference did with a trace."""

    available: bool
    """The reference has this semantics."""
    events: int = 0
    difference: str = ""
    """The first result or counter in which the reference differs from the model; empty if there is none."""
    violations: list[str] = field(default_factory=list)
    """What the reference's own checker finds broken after the last event."""


def replay_on_reference(trace: Trace) -> ReferenceReplay:
    """Run the events on the reference and compare every result and counter with the model's."""
    import msgspec

    from proofs.operations import Events2
    from proofs.replay.observe import observe
    from proofs.replay.runner import ObservedBlock, Runner, boot_shape
    from proofs.traces.events import HostShape
    from reference.generations import GENERATIONS
    from reference.properties import check_state
    from reference.status import HypervisorCrash, MisuseError

    if trace.semantics not in GENERATIONS:
        return ReferenceReplay(False)
    policy = ObservedBlock()
    shape = msgspec.convert(trace.host, HostShape)
    host = boot_shape(shape, GENERATIONS[trace.semantics], block_policy=policy, check_locks=True)
    runner = Runner(host, policy)
    found = ReferenceReplay(True)
    for written, expected in zip(trace.events, trace.states[1:], strict=True):
        event = msgspec.convert(written, Events2)
        crash, outcome = "", None
        try:
            outcome = runner.do(event)
        except HypervisorCrash as stopped:
            crash = str(stopped)
        except MisuseError as error:
            found.difference = f"event {found.events + 1} {written['op']}: {error}"
            return found
        found.events += 1
        if crash != written.get("crash", ""):
            found.difference = f"crash is {crash!r} in the reference, {written.get('crash', '')!r} in the model"
        else:
            found.difference = _outcome_differs(written, outcome) or _state_differs(
                msgspec.to_builtins(observe(host)), expected
            )
        if found.difference:
            found.difference = f"event {found.events} {written['op']}: {found.difference}"
            return found
    found.violations = [str(violation) for violation in check_state(host)]
    return found


def _outcome_differs(written: dict[str, Any], outcome: Any) -> str:
    for name, value in (outcome or {}).items():
        if name in written and written[name] != value:
            return f"{name} is {value} in the reference, {written[name]} in the model"
    return ""


def _state_differs(actual: dict[str, Any], expected: dict[str, Any]) -> str:
    for name in COMPARED:
        if actual[name] != expected[name]:
            return f"{name} is {actual[name]} in the reference, {expected[name]} in the model"
    for domid, counters in actual["domains"].items():
        held = expected["global_claims"][int(domid)] + expected["node_claims"][int(domid)]
        if counters.get("outstanding_pages", held) != held:
            return (
                f"outstanding_pages[{domid}] is {counters['outstanding_pages']} in the reference, {held} in the model"
            )
        for name in COMPARED_OF_DOMAIN:
            if name in counters and counters[name] != expected[name][int(domid)]:
                return (
                    f"{name}[{domid}] is {counters[name]} in the reference, {expected[name][int(domid)]} in the model"
                )
    return ""
