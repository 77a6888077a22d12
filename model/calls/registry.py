"""Every call of one critical section, and every operation of several, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.calls import allocating, claims, scripts
from model.calls.case import Call, Case
from model.calls.sections import CallSection
from model.generations import GENERATIONS
from model.interfaces import MemoryDomctl, SetInstaller
from model.operations import allocating as sections
from model.operations import claiming, domains, exchanging, freeing, queries, stashing


@dataclass(frozen=True)
class CallModel:
    """A call of one critical section: its cases as a function of state and arguments."""

    name: str
    describe: Callable[..., None]
    """Called with a `CallSection` and the arguments by name: describes the section."""

    @property
    def sentence(self) -> str:
        """What the call does, in one sentence."""
        return (self.describe.__doc__ or "").strip().splitlines()[0]

    def cases(self, call: Call, **arguments: Any) -> list[Case]:
        """The cases in order."""
        section = CallSection(call)
        self.describe(section, **arguments)
        found = section.cases()
        section.records.clear()  # effects refer to the section: no cycle is left
        return found


CALLS: dict[str, CallModel] = {
    describe.__name__: CallModel(describe.__name__, describe)
    for describe in (
        allocating.create_domain,
        domains.set_max_pages,
        domains.max_mem,
        domains.pausedomain,
        domains.domain_unpause_by_systemcontroller,
        domains.mark_dying,
        domains.release_all_claims,
        domains.domain_destroy,
        domains.finish_kill,
        domains.put_domain,
        queries.getdomaininfo,
        queries.get_outstanding_claims,
        claims.claim_pages_check,
        claiming.set_outstanding_pages,
        claims.install_claim_set,
        claims.claim_memory,
        queries.get_memory_claims,
        allocating.alloc_heap_pages,
        sections.assign_pages,
        freeing.release_ownership,
        freeing.free_heap_pages,
        freeing.offline_page,
        freeing.online_page,
        exchanging.exchange_check,
        exchanging.steal_page,
        exchanging.assign_in_exchange,
        exchanging.drop_tot_pages,
        stashing.get_stashed_allocation,
        stashing.creation_check,
        stashing.preemption_check,
        stashing.stash_allocation,
        stashing.stash_check,
        stashing.take_stash,
        stashing.free_stash,
        stashing.offline_marked,
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
"""Calls that a generation without a stash never makes: `get_stashed_allocation` and `stash_check` find no stash."""


def exists(name: str, semantics: str) -> bool:
    """Whether a generation has the call or operation."""
    interface = GENERATIONS[semantics].rules.interface
    if name in _OF_THE_STASH:
        return interface.stashes
    if name == "install_claim_set":
        return interface.sets is not SetInstaller.NONE
    if name == "claim_memory":
        return interface.memory is not MemoryDomctl.NONE
    return interface.gets or name != "get_memory_claims"


def cases(call: Call, name: str, **arguments: Any) -> list[Case]:
    """The cases of a call, in order; the first whose condition holds is its outcome."""
    return CALLS[name].cases(call, **arguments)
