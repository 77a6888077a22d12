"""Types of the numbers in a trace, with the ranges of their C types."""

from typing import Annotated, Literal

from msgspec import Meta

from reference.constants import DOMID_FIRST_RESERVED, UINT_MAX

Pages = Annotated[
    int,
    Meta(ge=0, description="a request, in pages (64-bit unsigned)", extra_json_schema={"maximum": 2**64 - 1}),
]
DomainPages = Annotated[int, Meta(ge=0, le=UINT_MAX, description="a domain's counter, in pages (32-bit unsigned)")]
HostPages = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, description="a host counter, in pages (64-bit signed)")]
Mfn = Annotated[int, Meta(ge=0, le=2**52, description="machine frame number")]
Order = Annotated[int, Meta(ge=0, le=63, description="log2 of a number of pages")]
Domid = Annotated[int, Meta(ge=0, le=DOMID_FIRST_RESERVED - 1, description="domain id")]
Node = Annotated[int, Meta(ge=0, le=254, description="node id (8-bit; 255 is NUMA_NO_NODE)")]
Target = Annotated[int, Meta(ge=0, le=UINT_MAX, description="target of a claim (32-bit unsigned)")]
Pad = Annotated[int, Meta(ge=0, le=UINT_MAX, description="must be zero")]
Count = Annotated[int, Meta(ge=0, le=2**32, description="a number of extents or pages")]
MemFlag = Literal["exact_node", "no_owner", "no_refcount"]

U64_MAX = 2**64 - 1


def require_u64(field: str, pages: int) -> None:
    """Check the upper bound of :data:`Pages`, which msgspec cannot express: it exceeds a signed 64-bit integer.

    :raises ValueError: the number does not fit; msgspec adds its place
    """
    if pages > U64_MAX:
        raise ValueError(f"`{field}` {pages} does not fit 64 bits")
