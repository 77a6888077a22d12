"""`per-node-v8` (2026-10, under review): the reduced series."""

from model.generations.generation import Generation, transitions_without
from model.generations.legacy import CRASHES, ORPHANED_ON_NODE, SINGLE
from model.interfaces import Interface, MemoryDomctl, SetInstaller
from model.logic import Term, positive_part
from model.rules import Request, Rules, host_permits_either, recall_nothing
from model.state import State


def node_permits_clamped(s: State, request: Request, node: Term) -> Term:
    """Offlining may leave claims above free pages: unclaimed memory is then 0."""
    return request.pages <= positive_part(s.unclaimed_on(node)) + request.own_on(s, node)


V8 = Generation(
    Rules(
        "per-node-v8",
        "2026-10: sets without replacing, without recall, without mixing on the host check",
        interface=Interface(sets=SetInstaller.STAKING, memory=MemoryDomctl.SET_AND_GET, stashes=True),
        host_permits=host_permits_either,
        node_permits=node_permits_clamped,
        recall=recall_nothing,
        replaces=False,
        keeps_total=True,
        counter_type="uint64",
        bug_on_redeem=True,
    ),
    transitions_without(*SINGLE, *CRASHES, *ORPHANED_ON_NODE),
    follows=("claim-sets-v7", "mainline-4.22"),
)
