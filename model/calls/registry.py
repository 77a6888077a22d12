"""Every call of one critical section, and every operation of several, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.calls import allocating, claiming, domains, exchanging, freeing, installing, memory, scripts
from model.calls.case import Call, Case
from model.calls.interfaces import INTERFACES, Memory, Sets


@dataclass(frozen=True)
class CallModel:
    """A call of one critical section: its cases as a function of state and arguments."""

    name: str
    cases: Callable[..., list[Case]]
    """(`Call`, arguments by name) -> cases in order."""

    @property
    def sentence(self) -> str:
        """What it is, in one sentence."""
        return (self.cases.__doc__ or "").strip().splitlines()[0]


CALLS: dict[str, CallModel] = {
    cases.__name__: CallModel(cases.__name__, cases)
    for cases in (
        domains.create_domain,
        domains.set_max_pages,
        domains.max_mem,
        domains.pausedomain,
        domains.unpausedomain,
        domains.mark_dying,
        domains.release_all_claims,
        domains.domain_destroy,
        domains.destroy_if_empty,
        domains.getdomaininfo,
        domains.get_outstanding_claims,
        claiming.claim_pages_check,
        claiming.set_outstanding_pages,
        installing.install_claim_set,
        memory.claim_memory,
        memory.get_memory_claims,
        allocating.alloc_heap_pages,
        allocating.assign_pages,
        freeing.release_ownership,
        freeing.free_heap_pages,
        freeing.offline_page,
        freeing.online_page,
        exchanging.exchange_check,
        exchanging.steal_page,
        exchanging.assign_in_exchange,
        exchanging.drop_tot_pages,
    )
}

SCRIPTS: dict[str, Callable[..., scripts.Script]] = {
    script.__name__: script
    for script in (
        scripts.claim_pages,
        scripts.alloc_domheap_pages,
        scripts.free_domheap_pages,
        scripts.populate_physmap,
        scripts.domain_kill,
        scripts.relinquish_memory,
        scripts.memory_exchange,
        scripts.destroydomain,
    )
}


def exists(name: str, semantics: str) -> bool:
    """Whether a generation has the call or operation."""
    interface = INTERFACES[semantics.partition("+")[0]]
    if name == "install_claim_set":
        return interface.sets is not Sets.NONE
    if name == "claim_memory":
        return interface.memory is not Memory.NONE
    return interface.gets or name != "get_memory_claims"


def cases(call: Call, name: str, **arguments: Any) -> list[Case]:
    """The cases of a call, in order; the first whose condition holds is its outcome."""
    return CALLS[name].cases(call, **arguments)
