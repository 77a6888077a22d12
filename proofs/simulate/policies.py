"""How a builder reserves memory before it allocates: with nothing, or with the claims of one generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reference.claims import ClaimEntry
from reference.constants import CLAIM_TARGET_GLOBAL
from reference.generations import GENERATIONS
from reference.hypercalls import claim_memory, claim_pages
from reference.state import Domain, Host
from reference.status import Status
from reference.steps import Steps

PagesByTarget = Mapping[int | None, int]
"""Pages by node; under None those that may be anywhere."""


@dataclass(frozen=True)
class Policy:
    """One way to reserve memory, under the rules of one generation of the hypervisor."""

    name: str
    semantics: str
    claim: Callable[[Host, Domain, PagesByTarget], Steps[Status]]


def _nothing(_host: Host, _domain: Domain, _wanted: PagesByTarget) -> Steps[Status]:
    """Memory is taken as it comes."""
    yield
    return Status.OK


def legacy(host: Host, domain: Domain, wanted: PagesByTarget) -> Steps[Status]:
    """XENMEM_claim_pages: a host-wide claim for all of the domain."""
    return (yield from claim_pages(host, domain.domid, sum(wanted.values())))


def _single_node(host: Host, domain: Domain, wanted: PagesByTarget) -> Steps[Status]:
    """One claim: on the node where all is wanted, else host-wide."""
    yield
    [(node, pages), *others] = wanted.items()
    if others:
        node, pages = None, sum(wanted.values())
    return host.semantics.set_outstanding_pages(host, domain, pages, node)


def _claim_set(host: Host, domain: Domain, wanted: PagesByTarget) -> Steps[Status]:
    """XEN_DOMCTL_claim_memory: each node's part on that node, the rest host-wide."""
    yield
    entries = [ClaimEntry(n, CLAIM_TARGET_GLOBAL if node is None else node) for node, n in wanted.items()]
    return claim_memory(host, domain.domid, entries)


POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy("no-claims", "claim-sets", _nothing),
        Policy("legacy", "legacy-redeem-at-alloc", legacy),
        Policy("single-node", "single-node-v4", _single_node),
        Policy("claim-sets", "claim-sets", _claim_set),
    )
}
assert all(policy.semantics in GENERATIONS for policy in POLICIES.values())
