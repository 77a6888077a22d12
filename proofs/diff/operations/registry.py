"""Every operation and hypercall that is compared."""

from collections.abc import Callable
from dataclasses import dataclass

from model.calls import exists
from proofs.diff.execution import Execution
from proofs.diff.operations import allocating, claiming, domains, exchanging, freeing


@dataclass(frozen=True)
class Operation:
    """An operation, run once on both sides by `run`."""

    name: str
    run: Callable[[Execution], None]

    def exists(self, semantics: str) -> bool:
        """Whether the generation has it."""
        return exists(self.name, semantics)


OPERATIONS: dict[str, Operation] = {
    run.__name__: Operation(run.__name__, run)
    for run in (
        allocating.alloc_heap_pages,
        allocating.assign_pages,
        allocating.alloc_domheap_pages,
        allocating.populate_physmap,
        freeing.free_heap_pages,
        freeing.free_domheap_pages,
        freeing.offline_page,
        freeing.online_page,
        exchanging.memory_exchange,
        claiming.set_outstanding_pages,
        claiming.claim_pages,
        claiming.install_claim_set,
        claiming.claim_memory,
        domains.create_domain,
        domains.set_max_pages,
        domains.max_mem,
        domains.domain_kill,
        domains.relinquish_memory,
        domains.destroydomain,
        domains.domain_destroy,
        domains.getdomaininfo,
        domains.get_outstanding_claims,
    )
}
