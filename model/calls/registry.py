"""Every call of one critical section, and every operation of several, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.calls import allocating, claims, domains, exchanging, freeing, scripts, stash
from model.calls.case import Call, Case
from model.generations import GENERATIONS
from model.interfaces import Memory, Sets


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
        domains.domain_unpause_by_systemcontroller,
        domains.mark_dying,
        domains.release_all_claims,
        domains.domain_destroy,
        domains.finish_kill,
        domains.put_domain,
        domains.getdomaininfo,
        domains.get_outstanding_claims,
        claims.claim_pages_check,
        claims.set_outstanding_pages,
        claims.install_claim_set,
        claims.claim_memory,
        claims.get_memory_claims,
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
        stash.get_stashed_allocation,
        stash.creation_check,
        stash.preemption_check,
        stash.stash_allocation,
        stash.stash_check,
        stash.take_stash,
        stash.free_stash,
        stash.offline_marked,
    )
}

SCRIPTS: dict[str, Callable[..., scripts.Script]] = {
    script.__name__: script
    for script in (
        scripts.claim_pages,
        scripts.alloc_domheap_pages,
        scripts.free_domheap_pages,
        scripts.populate_physmap,
        scripts.unpausedomain,
        scripts.domain_kill,
        scripts.relinquish_memory,
        scripts.memory_exchange,
        scripts.destroydomain,
    )
}


_OF_THE_STASH = frozenset(
    {
        "creation_check",
        "preemption_check",
        "stash_allocation",
        "take_stash",
        "free_stash",
        "offline_marked",
    }
)
"""Without a stash none of these is made. `get_stashed_allocation` and `stash_check` say then that there is none."""


def exists(name: str, semantics: str) -> bool:
    """Whether a generation has the call or operation."""
    interface = GENERATIONS[semantics].rules.interface
    if name in _OF_THE_STASH:
        return interface.stashes
    if name == "install_claim_set":
        return interface.sets is not Sets.NONE
    if name == "claim_memory":
        return interface.memory is not Memory.NONE
    return interface.gets or name != "get_memory_claims"


def cases(call: Call, name: str, **arguments: Any) -> list[Case]:
    """The cases of a call, in order; the first whose condition holds is its outcome."""
    return CALLS[name].cases(call, **arguments)
