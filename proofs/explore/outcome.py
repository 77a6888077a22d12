"""What an event comes to on a host of the reference: its outcome, and every counter after it, by name."""

from typing import Any

import msgspec

from proofs.explore.running import RunningHost
from proofs.operations import EventFields
from proofs.replay.observe import observe
from reference.status import HypervisorCrash


def done(running: RunningHost, event: EventFields) -> dict[str, Any]:
    """The outcome of an event and the counters after it, by name."""
    waits = event["op"] != "continue" or event["builder"] in running.begun
    try:
        shown: dict[str, Any] = dict(running.do(event)) if waits else {}  # it has ended here: nothing is left to do
    except HypervisorCrash as crash:
        return {"crash": str(crash)}
    shown["crash"] = "none"
    state = msgspec.to_builtins(observe(running.host))
    for domid, counters in state.pop("domains").items():
        if "outstanding_pages" not in counters:
            counters["outstanding_pages"] = counters["global_claims"] + counters["node_claims"]
        shown |= {f"d{domid} {name}": value for name, value in counters.items() if name != "claim_node"}
    shown.update(state)
    return shown
