"""The parts of variants: each changes what it says, alone and with others."""

import pytest

from reference.domain import mark_dying
from reference.generations import SEMANTICS
from reference.generations.hardened import ClaimSetsHardened
from reference.generations.parts import PARTS, changed
from reference.page_alloc import alloc_heap_pages, assign_pages
from reference.state import Host
from reference.status import Status
from tests.reference.hosts import GLOBAL, alloc, avail, claim, held, small_host


def host_with(part: str, *nodes: int, max_pages: int = 4, base: str = "claim-sets") -> Host:
    return small_host(*nodes, semantics=f"{base}+{part}", max_pages=max_pages)


def limit(host: Host, pages: int) -> Status:
    return host.semantics.set_max_pages(host, host.domain(1), pages)


def in_limbo(host: Host, order: int = 0) -> int:
    mfn = alloc_heap_pages(host, host.domain(1), order)
    assert mfn is not None
    return mfn


@pytest.mark.parametrize("name", ["claim-sets+nothing", "claim-sets+", "no-generation", "no-generation+limbo-counted"])
def test_there_is_no_other(name: str) -> None:
    assert name not in SEMANTICS
    with pytest.raises(KeyError):
        SEMANTICS[name]


def test_a_variant_is_found_by_its_name_and_not_listed() -> None:
    name = "per-node-v8+limbo-counted+dying-checked"
    assert name in SEMANTICS
    assert SEMANTICS[name].name == name
    assert not any("+" in listed for listed in SEMANTICS)


def test_hardened_claim_sets_are_six_parts() -> None:
    named = ["limbo-counted", "low-limit-refused", "charged-at-alloc", "dying-checked", "stash-kept", "marks-kept"]
    assert ClaimSetsHardened.__mro__[1:] == type(changed(SEMANTICS["claim-sets"], named)).__mro__[1:]
    assert set(named) < set(PARTS)


def test_limbo_counted() -> None:
    host = host_with("limbo-counted")
    in_limbo(host, 1)
    assert claim(host, 1, (3, 0)) is Status.EINVAL
    assert claim(host, 1, (2, 0)) is Status.OK
    assert limit(host, 0) is Status.OK  # no other part


def test_low_limit_refused_does_not_see_limbo_by_itself() -> None:
    host = host_with("low-limit-refused")
    in_limbo(host, 1)
    assert claim(host, 1, (1, 0)) is Status.OK
    assert limit(host, 0) is Status.EINVAL
    assert limit(host, 1) is Status.OK


def test_charged_at_alloc() -> None:
    host = host_with("charged-at-alloc")
    in_limbo(host, 1)
    assert claim(host, 1, (4, 0)) is Status.OK  # no other part
    assert alloc(host, 1) is None
    assert claim(host, 1, (1, 0)) is Status.OK
    assert alloc(host, 1, 1) is not None  # one claimed, one besides: 4 in all
    assert alloc(host, 1) is None
    assert alloc(host, None) is not None


def test_dying_checked() -> None:
    host = host_with("dying-checked")
    mark_dying(host.domain(1))
    assert claim(host, 1, (1, 0)) is Status.ESRCH


def test_limit_read_unlocked_does_not_see_limbo() -> None:
    host = host_with("limit-read-unlocked", max_pages=2)
    first, second = in_limbo(host, 1), in_limbo(host, 1)
    assert assign_pages(host, first, 1, host.domain(1)) is Status.OK
    assert alloc_heap_pages(host, host.domain(1), 0) is None
    assert assign_pages(host, second, 1, host.domain(1)) is Status.E2BIG
    assert alloc(host, None) is not None


def test_all_claims_at_alloc_refuses_what_was_claimed() -> None:
    host = host_with("all-claims-at-alloc")
    claim(host, 1, (4, 0))
    assert alloc(host, 1) is None
    claim(host, 1, (2, 0))
    assert alloc(host, 1, 1) is not None


def test_claims_checked_at_assign() -> None:
    host = host_with("claims-checked-at-assign")
    mfn = in_limbo(host, 1)
    claim(host, 1, (4, 0))
    assert assign_pages(host, mfn, 1, host.domain(1)) is Status.E2BIG
    claim(host, 1, (2, 0))
    assert assign_pages(host, mfn, 1, host.domain(1)) is Status.OK
    limit(host, 1)
    assert assign_pages(host, in_limbo(host), 0, host.domain(1)) is Status.EPERM


def test_claims_trimmed() -> None:
    host = host_with("claims-trimmed", 8, 8)
    claim(host, 1, (1, 0), (2, 1), (1, GLOBAL))
    for pages, claims, host_wide in ((5, [1, 2], 1), (3, [1, 2], 0), (2, [0, 2], 0), (1, [0, 1], 0), (0, [0, 0], 0)):
        assert limit(host, pages) is Status.OK
        assert held(host, 1)[:2] == (claims, host_wide)


def test_redeemed_at_assign() -> None:
    host = host_with("redeemed-at-assign", 8)
    claim(host, 1, (3, 0))
    mfn = in_limbo(host, 1)
    assert avail(host)[2:] == ([3], 3)
    assign_pages(host, mfn, 1, host.domain(1))
    assert avail(host)[2:] == ([1], 1)


def test_others_kept() -> None:
    host = host_with("others-kept", 8, 8, max_pages=4)
    claim(host, 1, (3, 0))
    assert alloc(host, 1, 0, 1) is not None
    assert held(host, 1)[0] == [3, 0]  # 4 in all
    assert alloc(host, 1, 0, 1) is not None
    assert held(host, 1)[0] == [2, 0]  # the limit
    host = host_with("others-kept", 2, 2, max_pages=8)
    claim(host, 1, (2, 0))
    claim(host, 2, (1, GLOBAL))
    assert alloc(host, 1, 1, 1) is not None
    assert (held(host, 1)[0], avail(host)[3]) == ([1, 0], 2)  # free pages that the other's claim does not need


def test_per_node_v8_with_parts() -> None:
    host = host_with("limbo-counted", base="per-node-v8")
    in_limbo(host, 1)
    assert claim(host, 1, (3, 0)) is Status.EINVAL
    assert claim(host, 1, (2, 0)) is Status.OK
