"""``legacy-compatible``: a host-wide claim set and the legacy call agree wherever both apply, on every small case.

The legacy call names a total, a set the claims in addition to the domain's pages. For a live domain
without claims, a legacy call for more pages than it has is the set of the difference: the same answer, the same state.
"""

from itertools import product

import pytest

from reference.page_alloc import offline_page
from reference.status import Status
from tests.reference.hosts import GLOBAL, alloc, avail, claim, held, small_host

CASES = list(product(range(4), range(6), range(4), range(2)))  # pages held, max_pages, others' claim, offlined


@pytest.mark.parametrize("pages", range(1, 6))
def test_host_wide_set_equals_the_legacy_call(pages: int) -> None:
    compared = set()
    for tot_pages, max_pages, claimed, offlined in CASES:
        if pages <= tot_pages:
            continue  # the legacy call refuses: it has no set that would be its own
        outcomes = []
        for legacy in (True, False):
            host = small_host(3, 3)
            for _ in range(tot_pages):
                assert alloc(host, 1) is not None
            host.semantics.set_max_pages(host, host.domain(1), max_pages)
            claim(host, 2, (min(claimed, avail(host)[1]), GLOBAL))
            if offlined:
                offline_page(host, 18)
            if legacy:
                status = host.semantics.set_outstanding_pages(host, host.domain(1), pages)
            else:
                status = claim(host, 1, (pages - tot_pages, GLOBAL))
            outcomes.append((status, held(host, 1), held(host, 2), avail(host)))
        assert outcomes[0] == outcomes[1], (tot_pages, max_pages, claimed, offlined)
        compared.add(outcomes[0][0])
    assert {Status.OK, Status.EINVAL} <= compared


def test_set_replaces_where_the_legacy_call_refuses() -> None:
    """A set replaces claims and may have no pages in addition to those held; the legacy call refuses both."""
    host = small_host()
    alloc(host, 1)
    assert host.semantics.set_outstanding_pages(host, host.domain(1), 1) is Status.EINVAL
    assert claim(host, 1, (0, GLOBAL)) is Status.OK
    claim(host, 1, (1, GLOBAL))
    assert host.semantics.set_outstanding_pages(host, host.domain(1), 3) is Status.EINVAL
    assert claim(host, 1, (2, GLOBAL)) is Status.OK
