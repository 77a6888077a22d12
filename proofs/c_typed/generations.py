"""The hypervisor's functions with the types of their parameters: arguments are converted as the C code's are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofs.c_typed.cint import INT64, UINT64, CInt
from reference.claims import ClaimEntry
from reference.generation import Generation, Request
from reference.state import Domain, Host
from reference.status import Status


def _wide(pages: int) -> Any:
    """The pages of a call: 64 bits, unsigned."""
    return CInt(UINT64, pages, "pages")


def _entries(entries: Sequence[ClaimEntry]) -> list[ClaimEntry]:
    return [entry._replace(pages=_wide(entry.pages)) for entry in entries]


def _request(request: Request) -> Request:
    """An allocation's pages are added to the claims, as in mainline's host check, or compared as signed.

    Read as an unsigned comparison with `avail - claims`, six recorded allocations would have come out otherwise:
    single-node-v1, seeds 2010, 2015, 2017, 2020 and 2022; single-node-v3, seed 2021.
    """
    return request._replace(pages=CInt(INT64, request.pages, "r"))  # type: ignore[arg-type]  # a number like any other


class TypedGeneration(Generation):
    """Put before a generation's class: the parameters of what it does get their types."""

    def request_permitted(self, host: Host, request: Request) -> bool:
        return super().request_permitted(host, _request(request))

    def node_permits(self, host: Host, request: Request, node: int) -> bool:
        return super().node_permits(host, _request(request), node)

    def redeem(self, host: Host, claimant: Domain, pages: int, node: int) -> None:
        super().redeem(host, claimant, _wide(pages), node)

    def pages_assigned(self, host: Host, domain: Domain, pages: int, node: int, refcounted: bool) -> None:
        super().pages_assigned(host, domain, _wide(pages), node, refcounted)

    def pages_released(self, host: Host, domain: Domain, pages: int, refcounted: bool) -> None:
        super().pages_released(host, domain, _wide(pages), refcounted)

    def limbo_ended(self, host: Host, domain: Domain, pages: int, node: int, *, stashed: bool) -> None:
        super().limbo_ended(host, domain, _wide(pages), node, stashed=stashed)

    def install_claim_set(self, host: Host, domain: Domain, entries: Sequence[ClaimEntry]) -> Status:
        return super().install_claim_set(host, domain, _entries(entries))

    def pages_of_claim_pages(self, domain: Domain, pages: int) -> int:
        return super().pages_of_claim_pages(domain, _wide(pages))

    def set_outstanding_pages(self, host: Host, domain: Domain, pages: int, node: int | None = None) -> Status:
        return super().set_outstanding_pages(host, domain, _wide(pages), node)


def typed_semantics(semantics: Generation) -> Generation:
    """The generation with typed parameters."""
    base = type(semantics)
    made: Generation = type("TypedGeneration", (TypedGeneration, base), {"name": base.name})()
    return made
