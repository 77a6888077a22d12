"""The names of targets and flags in a trace, and their values in the reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import UNSET, Struct

from reference.claims import ClaimEntry
from reference.constants import (
    CLAIM_TARGET_GLOBAL,
    CLAIM_TARGET_LEGACY,
    CLAIM_TARGET_NO_NODE,
    MEMF_exact_node,
    MEMF_no_owner,
    MEMF_no_refcount,
)

from .fields import Pad, Pages, Target, require_u64

TARGETS: dict[int | str, int] = {
    "global": CLAIM_TARGET_GLOBAL,
    "host": CLAIM_TARGET_GLOBAL,
    "legacy": CLAIM_TARGET_LEGACY,
    "no_node": CLAIM_TARGET_NO_NODE,
}
_MEMFLAGS = {"exact_node": MEMF_exact_node, "no_owner": MEMF_no_owner, "no_refcount": MEMF_no_refcount}


class Claim(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of a claim set."""

    pages: Pages
    target: Target | Literal["global"]
    pad: Pad = 0

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)


class HypercallClaim(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of ``XEN_DOMCTL_claim_memory``. ``host`` and ``no_node`` are what some generations call ``global``."""

    pages: Pages
    target: Target | Literal["global", "host", "legacy", "no_node"]
    pad: Pad = 0
    cmd: Pad = 0  # claim-sets-v3: instead of pad

    def __post_init__(self) -> None:
        require_u64("pages", self.pages)


def entries(claims: Iterable[Claim | HypercallClaim], reserved: str = "pad") -> list[ClaimEntry]:
    """The entries of a claim set in the reference's form.

    :param reserved: the name of the field that must be 0
    """
    return [
        ClaimEntry(claim.pages, TARGETS.get(claim.target, claim.target), getattr(claim, reserved))  # type: ignore[arg-type]  # the names are all in TARGETS
        for claim in claims
    ]


def entries_in_c(claims: Iterable[Claim | HypercallClaim]) -> str:
    """The entries as an argument of the adapter kit, and their number."""
    names = {"global": "GLOBAL", "host": "GLOBAL", "legacy": "LEGACY", "no_node": "NO_NODE"}
    listed = [
        f"{{ {c.pages}ull, {f'CLAIM_TARGET_{names[c.target]}' if isinstance(c.target, str) else c.target}, "
        f"{c.pad or getattr(c, 'cmd', 0)} }}"
        for c in claims
    ]
    return f"(const struct claim_entry[]){{ {', '.join(listed)} }}, {len(listed)}" if listed else "0, 0"


def memflags_in_c(names: Iterable[str]) -> str:
    """The flags of a request in the adapter kit."""
    return " | ".join(f"CLAIM_{name.upper()}" for name in names) or "0"


def none_in_c(value: object) -> object:
    """A node or domain in the adapter kit."""
    return "CLAIM_NONE" if value is None or value is UNSET else value


def memflags(names: Iterable[str]) -> int:
    """The flags of a request in the reference's form."""
    flags = 0
    for name in names:
        flags |= _MEMFLAGS[name]
    return flags
