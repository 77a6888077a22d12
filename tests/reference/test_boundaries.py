"""At the very edge of a check, where mutants of the check survived."""

import pytest

from reference.constants import MAX_NUMNODES
from reference.generations import SEMANTICS
from reference.hypercalls import memory_exchange
from reference.page_alloc import alloc_heap_pages, release_ownership
from reference.pages import PageState
from reference.state import boot, create_domain
from reference.status import MisuseError, Status
from reference.steps import run


@pytest.mark.parametrize(("node", "expected"), [(MAX_NUMNODES - 1, Status.ENOMEM), (MAX_NUMNODES, Status.EINVAL)])
def test_v1_checks_a_node_id_against_its_range_only(node: int, expected: Status) -> None:
    host = boot((4,), 4, SEMANTICS["single-node-v1"])
    domain = create_domain(host, 1, max_pages=4)
    assert host.semantics.set_outstanding_pages(host, domain, 1, node) is expected


def test_an_exchange_cannot_steal_pages_in_limbo() -> None:
    host = boot((8,), 8, SEMANTICS["claim-sets"])
    domain = create_domain(host, 1, max_pages=8)
    mfn = alloc_heap_pages(host, domain, 0)
    assert mfn is not None
    assert run(memory_exchange(host, 1, [mfn], 0, 0)).status is Status.EINVAL
    assert host.pages.exact(mfn, 0).state is PageState.LIMBO


def test_only_pages_of_a_domain_leave_its_tot_pages() -> None:
    host = boot((8,), 8, SEMANTICS["claim-sets"])
    mfn = alloc_heap_pages(host, create_domain(host, 1, max_pages=8), 0)
    assert mfn is not None
    with pytest.raises(MisuseError, match="belongs to no domain"):
        release_ownership(host, mfn, 0)
