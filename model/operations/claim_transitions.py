"""The transitions of claim calls: which caller leads to which section, and to which of its ends."""

from __future__ import annotations

from model.c_code.evaluation import Evaluation
from model.logic import Term, all_of, any_of, negation
from model.operations.claiming import ClaimRequest
from model.operations.claiming import claim_pages_check as check
from model.operations.claiming import set_outstanding_pages as claim
from model.operations.derived import accepts, crash, refuses
from model.operations.domains import NO_DOMCTL
from model.operations.installing import claim_memory_checks, install_claim_set
from model.operations.sets import ListedSet, SetByNode
from model.operations.stepped import StepSection
from model.rules import Rules
from model.step import Step

# -- XENMEM_claim_pages


@accepts("checked")
def claim_pages_check(x: StepSection) -> None:
    """XENMEM_claim_pages before any lock: the domain is looked up and is_dying is read."""
    domid = x.domain()
    check(x, domid, ClaimRequest(0, x.flag("malformed")))
    x.changes.append(lambda step: step.add_at("legacy_calls", domid, 1))


def _past_the_check(x: StepSection, domid: Term) -> None:
    """XENMEM_claim_pages has passed its check of is_dying before any lock, if the generation has that check."""
    passed = x.s.legacy_calls[domid] >= 1 if x.rules.refuses_dying else x.s.is_created[domid]
    x.premise("past-the-check", passed)
    if x.rules.refuses_dying:
        x.changes.append(lambda step: step.add_at("legacy_calls", domid, -1))


def _destroyed(x: StepSection, domid: Term) -> None:
    x.premise("destroyed", x.s.is_destroyed[domid])
    x.of_destroyed = True


def _subtracted(c: Evaluation, rules: Rules) -> None:
    """The value of XENMEM_claim_pages where it claims a difference."""
    if rules.legacy_subtracts_first:
        asked = c.unsigned("nr_extents")
        c.value("nr_extents - tot_pages, in XENMEM_claim_pages", "uint64", asked - c.s.tot_pages[c.d])


@accepts("claimed")
def set_outstanding_pages(x: StepSection) -> None:
    """The legacy call installs a host-wide claim of `pages` less the pages already held."""
    domid, pages = x.domain(), x.pages()
    _past_the_check(x, domid)
    x.premise("listed", x.s.listed(domid))
    x.loop(_subtracted)
    claim(x, domid, pages)


@refuses
def set_outstanding_pages_refused(x: StepSection) -> None:
    """A legacy call that fails one of its checks changes no claim."""
    domid, pages = x.domain(), x.pages()
    _past_the_check(x, domid)
    claim(x, domid, pages)


@accepts("released")
def set_outstanding_pages_zero(x: StepSection) -> None:
    """The legacy call with 0 pages releases all claims, those on nodes too."""
    domid = x.domain()
    _past_the_check(x, domid)
    x.premise("listed", x.s.listed(domid))
    claim(x, domid, 0)


@accepts("claimed")
def claim_for_destroyed(x: StepSection) -> None:
    """XENMEM_claim_pages continues after destruction: it installs a host-wide claim that no domain holds."""
    domid, pages = x.domain(), x.pages()
    _past_the_check(x, domid)
    _destroyed(x, domid)
    x.loop(_subtracted)
    claim(x, domid, pages)


@accepts("claimed")
def claim_on_node_for_destroyed(x: StepSection) -> None:
    """The same for a claim on a node, in generations where the memory op takes a node."""
    domid, node, pages = x.domain(), x.node(), x.pages()
    _destroyed(x, domid)
    claim(x, domid, pages, node)


@accepts("released")
def release_for_destroyed(x: StepSection) -> None:
    """XENMEM_claim_pages for 0 pages continues: the destroyed domain's claims are released."""
    domid = x.domain()
    _past_the_check(x, domid)
    _destroyed(x, domid)
    claim(x, domid, 0)


# -- domctls; for a claim on a node, in some generations the memory op


@accepts("claimed")
def claim_on_node(x: StepSection) -> None:
    """A single-node claim: a domain's one claim is on one node."""
    s, domid, node, pages = x.s, x.domain(), x.node(), x.pages()
    x.looked_up(s.listed(domid), "ESRCH")
    if x.rules.refuses_dying:
        x.premise("domctl-lock-free", s.domctl_lock == NO_DOMCTL)
        x.premise("not-dying", negation(s.is_dying[domid]), "EINVAL")
    claim(x, domid, pages, node)


def claim_crashes(step: Step, rules: Rules) -> None:
    """BUG_ON(claims > avail_pages) where a claim checks for room on its target, the host or a node."""
    s, domid = step.before, step.domain()
    node, pages, host_wide = step.node(), step.pages(), step.flag("host_wide")
    step.guard("domain-exists", all_of([s.listed(domid), s.domctl_lock == NO_DOMCTL]))
    on_host, on_node = StepSection(step, rules), StepSection(step, rules)
    claim(on_host, domid, pages)
    claim(on_node, domid, pages, node)
    step.guard_all(
        "claims-exceed-free-pages",
        lambda q: any_of([all_of([host_wide, crash(on_host, q)]), all_of([negation(host_wide), crash(on_node, q)])]),
    )


def _claim_set(x: StepSection) -> None:
    domid = x.domain()
    first, second, host_wide = x.pages_by_node("first"), x.pages_by_node("second"), x.pages("global")
    x.looked_up(all_of([x.s.listed(domid), x.s.domctl_lock == NO_DOMCTL]), "ESRCH")
    entries = SetByNode(x, first, second, host_wide, x.flag("malformed"), x.flag("names_offline_node"))
    claim_memory_checks(x, domid, entries)
    install_claim_set(x, domid, entries)


@accepts("released", "installed")
def claim_memory(x: StepSection) -> None:
    """A claim set replaces the domain's claims in one atomic step."""
    _claim_set(x)


@refuses
def claim_memory_refused(x: StepSection) -> None:
    """A claim set that fails one of the checks changes nothing."""
    _claim_set(x)


@accepts("released")
def release_claims(x: StepSection) -> None:
    """A claim call without entries releases all claims, whatever the state of the domain."""
    domid = x.domain()
    x.looked_up(all_of([x.s.listed(domid), x.s.domctl_lock == NO_DOMCTL]), "ESRCH")
    claim_memory_checks(x, domid, ListedSet(x, ()))
