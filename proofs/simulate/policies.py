"""How a builder reserves memory before it allocates: with nothing, with claims of one generation, or as a toolstack.

``xl`` and ``xenopsd`` restate the flows of libxl and of xenopsd; the others differ in nothing but the claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from proofs.simulate.scenario import Scenario
from reference.claims import ClaimEntry
from reference.constants import CLAIM_TARGET_GLOBAL
from reference.generations import GENERATIONS
from reference.hypercalls import claim_memory, claim_pages
from reference.state import Domain, Host
from reference.status import Status
from reference.steps import Steps

PagesByTarget = Mapping[int | None, int]
"""Pages by node; under None those that may be anywhere."""
Claim = Callable[[Host, Domain, PagesByTarget], Steps[Status]]


@dataclass(frozen=True)
class Policy:
    """One way to reserve memory, under the rules of one generation of the hypervisor."""

    name: str
    semantics: str
    claim: Claim
    summary: str
    """The claim, as documents describe it."""
    names_nodes: bool = True
    """Extents are requested on the node that they are wanted on; else the domain's affinity alone says where."""
    claims_incoming: bool = True
    """A build that is an incoming migration claims too."""
    sees_claims: bool = True
    """Memory that others claim does not count as free where a build requests memory from balloons."""
    drops_on_error: bool = False
    """The claim is dropped before a domain that failed is destroyed."""
    falls_back: bool = False
    """A claim on a node that gets ENOMEM is followed by a host-wide one."""
    by_default: bool = True
    """Run where no policies are named."""
    ignores: Mapping[str, str] = field(default_factory=dict)
    """The fields of a scenario that make no difference under it, and why."""


def nothing(_host: Host, _domain: Domain, _wanted: PagesByTarget) -> Steps[Status]:
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


def _set_of_one(host: Host, domain: Domain, wanted: PagesByTarget) -> Steps[Status]:
    """As :func:`_single_node`, by XEN_DOMCTL_claim_memory with one entry."""
    one: PagesByTarget = wanted if len(wanted) == 1 else {None: sum(wanted.values())}
    return (yield from _claim_set(host, domain, one))


def falling_back(claim: Claim) -> Claim:
    """The same claim; where it gets ENOMEM, a host-wide one for all of the domain."""

    def claimed(host: Host, domain: Domain, wanted: PagesByTarget) -> Steps[Status]:
        status = yield from claim(host, domain, wanted)
        if status is Status.ENOMEM and tuple(wanted) != (None,):
            status = yield from claim(host, domain, {None: sum(wanted.values())})
        return status

    return claimed


def or_none(claim: Claim) -> Claim:
    """The same claim; on any error but ENOMEM the build continues without one."""

    def claimed(host: Host, domain: Domain, wanted: PagesByTarget) -> Steps[Status]:
        status = yield from claim(host, domain, wanted)
        return status if status is Status.ENOMEM else Status.OK

    return claimed


_HOST_WIDE = "its claim is host-wide already"
_XENOPSD = "on the node, if the domain wants one, else host-wide; on ENOMEM host-wide, on another error none"
_NO_STASH = "its generation stashes no extents"

POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            "no-claims",
            "claim-sets",
            nothing,
            "no claim",
            ignores={
                "builds.legacy_share": "no builder claims",
                "builds.no_claim_share": "no builder claims",
                "builds.fallback": "no builder claims",
            },
        ),
        Policy(
            "legacy",
            "legacy-redeem-at-alloc",
            legacy,
            "host-wide, all of the domain",
            ignores={"builds.fallback": _HOST_WIDE, "builds.populate_preempted": _NO_STASH},
        ),
        Policy(
            "single-node",
            "single-node-v4",
            _single_node,
            "on the node, if the domain wants one; else host-wide",
            ignores={"builds.populate_preempted": _NO_STASH},
        ),
        Policy("claim-sets", "claim-sets", _claim_set, "each node's part on that node"),
        Policy(
            "xl",
            "mainline-4.22",
            legacy,
            "host-wide, all of the domain; none for an incoming migration",
            names_nodes=False,
            claims_incoming=False,
            sees_claims=False,
            drops_on_error=True,
            ignores={"builds.fallback": _HOST_WIDE},
        ),
        Policy(
            "xenopsd",
            "claim-sets",
            or_none(_set_of_one),
            _XENOPSD,
            names_nodes=False,
            falls_back=True,
        ),
        Policy(
            "xenopsd-v4",
            "single-node-v4",
            or_none(_single_node),
            _XENOPSD,
            names_nodes=False,
            falls_back=True,
            by_default=False,
            ignores={"builds.populate_preempted": _NO_STASH},
        ),
    )
}
assert all(policy.semantics in GENERATIONS for policy in POLICIES.values())


def with_fallback(policy: Policy, fallback: Literal["none", "host-wide"] | None) -> Policy:
    """The policy, with the fallback that a scenario requests in the place of its own (None: as it is)."""
    falls_back = policy.falls_back if fallback is None else fallback == "host-wide"
    return replace(policy, claim=falling_back(policy.claim) if falls_back else policy.claim)


def ignored(scenario: Scenario, policy: Policy) -> list[str]:
    """The fields that a scenario sets and the policy ignores, each with the reason."""
    said = scenario.fields_set()
    return [f"{name} ({why})" for name, why in policy.ignores.items() if name in said]


def default_policies(scenario: Scenario) -> list[str]:
    """The policies under which a scenario is run where none are named: those that ignore none of its fields."""
    return [p.name for p in POLICIES.values() if p.by_default and not ignored(scenario, p)]
