"""What the changes cost in locks: how often an operation takes each lock, counted while the reference runs it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reference.claims import ClaimEntry
from reference.generations import GENERATIONS
from reference.hypercalls import claim_memory, claim_pages, max_mem
from reference.page_alloc import alloc_domheap_pages, free_domheap_pages, offline_page
from reference.state import Domain, Host, boot, create_domain
from reference.status import HypervisorCrash, MisuseError
from reference.steps import run

Operation = Callable[[Host], object]


class _CountingLock:
    """A lock that writes down when it is taken."""

    def __init__(self, name: str, taken: list[str]) -> None:
        self.name, self.taken = name, taken

    def __enter__(self) -> None:
        self.taken.append(self.name)

    def __exit__(self, *_error: object) -> None:
        self.taken.append(f"end {self.name}")


def _allocate(host: Host) -> object:
    return run(alloc_domheap_pages(host, host.domains[0], 0))


def _allocate_and_free(host: Host) -> object:
    mfn = run(alloc_domheap_pages(host, host.domains[0], 0))
    assert mfn is not None
    _forget(host)
    return run(free_domheap_pages(host, mfn, 0))


def _claimed(host: Host) -> Domain:
    """The domain, which claims two pages."""
    domain = host.domains[0]
    run(claim_pages(host, 0, 2))
    _forget(host)
    return domain


def _redeem(host: Host) -> object:
    return run(alloc_domheap_pages(host, _claimed(host), 0))


def _offline(host: Host) -> object:
    _claimed(host)
    return offline_page(host, 0)


def _release(host: Host) -> object:
    return host.semantics.set_outstanding_pages(host, _claimed(host), 0)


def _forget(host: Host) -> None:
    taken: list[str] = host.heap_lock.taken  # type: ignore[attr-defined]
    taken.clear()


OPERATIONS: dict[str, Operation] = {
    "alloc_domheap_pages": _allocate,
    "free_domheap_pages": _allocate_and_free,
    "XEN_DOMCTL_claim_memory": lambda host: claim_memory(host, 0, [ClaimEntry(1, 0)]),
    "XENMEM_claim_pages": lambda host: run(claim_pages(host, 0, 1)),
    "XEN_DOMCTL_max_mem": lambda host: max_mem(host, 0, 4),
}


FURTHER: dict[str, Operation] = {
    "alloc_domheap_pages by a claimant": _redeem,
    "offline_page of claimed memory": _offline,
    "set_outstanding_pages(0), as domain_kill calls it": _release,
}
"""Operations in which claims are redeemed, recalled and released."""


def locks_taken(semantics: str, operation: str) -> str:
    """The locks in the order taken; one taken while another is held stands in brackets after it."""
    with _counted(semantics) as (host, taken):
        (OPERATIONS | FURTHER)[operation](host)
        return _shown(taken)


@dataclass(frozen=True)
class LockChange:
    """An operation that takes other locks than before."""

    operation: str
    before: str
    after: str


def lock_changes(before: str, after: str) -> list[LockChange]:
    """The operations in which two generations of the reference take other locks, or as often in another order."""
    both = [(name, _locks_or_none(before, name), _locks_or_none(after, name)) for name in (*OPERATIONS, *FURTHER)]
    return [LockChange(*one) for one in both if one[1] != one[2]]


def _locks_or_none(semantics: str, operation: str) -> str:
    try:
        return locks_taken(semantics, operation) or "none"
    except (MisuseError, HypervisorCrash, AssertionError):
        return "not possible"


@contextmanager
def _counted(semantics: str) -> Iterator[tuple[Host, list[str]]]:
    host: Any = boot((4,), 4, GENERATIONS[semantics], check_locks=False)
    domain: Any = create_domain(host, 0, 4)
    taken: list[str] = []
    host.heap_lock = domain.heap_lock = _CountingLock("heap_lock", taken)
    domain.page_alloc_lock = _CountingLock("page_alloc_lock", taken)
    yield host, taken


def _shown(taken: list[str]) -> str:
    words: list[str] = []
    depth = 0
    for event in taken:
        if event.startswith("end "):
            depth -= 1
            if depth:
                words[-1] += ")"
        elif depth:
            words[-1] += f" ({event}"
            depth += 1
        else:
            words.append(event)
            depth += 1
    return ", ".join(words)
