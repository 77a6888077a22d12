"""The transitions of the life of a domain, with the premises that the caller of each section guarantees."""

from __future__ import annotations

from model.c_types import UINT_MAX
from model.logic import Term, negation
from model.operations.derived import accepts
from model.operations.domains import NO_DOMCTL, domain_destroy, mark_dying, new_domain, release_all_claims
from model.operations.domains import set_max_pages as set_limit
from model.operations.stepped import StepSection


def _domctl_lock_free(x: StepSection) -> None:
    x.premise("domctl-lock-free", x.s.domctl_lock == NO_DOMCTL)


def _limit(x: StepSection) -> Term:
    limit = x.pages("max_pages")
    x.premise("fits-type", limit <= UINT_MAX)
    return limit


@accepts("created")
def create_domain(x: StepSection) -> None:
    """A domain id not used before gets a domain and a limit."""
    domid = x.domain()
    _domctl_lock_free(x)
    x.premise("id-unused", negation(x.s.is_created[domid]))
    new_domain(x, domid, _limit(x))


@accepts("limited")
def set_max_pages(x: StepSection) -> None:
    """XEN_DOMCTL_max_mem stores the limit; neither tot_pages nor claims are checked."""
    domid = x.domain()
    _domctl_lock_free(x)
    x.premise("domain-exists", x.s.listed(domid))
    set_limit(x, domid, _limit(x))


@accepts("marked")
def domain_kill(x: StepSection) -> None:
    """domain_kill under the domctl lock, first step: the domain is marked dying."""
    domid = x.domain()
    _domctl_lock_free(x)
    x.premise("domain-exists", x.s.listed(domid))
    mark_dying(x, domid)


@accepts("released")
def domain_kill_release(x: StepSection) -> None:
    """domain_kill, second step: all claims are released, and the domctl lock with them."""
    domid = x.domain()
    x.premise("being-killed", x.s.domctl_lock == domid)
    release_all_claims(x, domid)


@accepts("destroyed")
def destroy_domain(x: StepSection) -> None:
    """The domain leaves the domain list once it has no pages. From then on its claims are orphaned.

    Pages in limbo do not keep it on the list: their allocation continues on a domain that no loop visits. The model
    never gives a domain id to a second domain.
    """
    domid = x.domain()
    x.premise("kill-is-over", x.s.domctl_lock != domid)
    domain_destroy(x, domid)
