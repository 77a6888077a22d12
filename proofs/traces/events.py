"""The first line of a trace: its format, its generation, and the host."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

FORMAT_1 = "claim-trace/1"
FORMAT_2 = "claim-trace/2"
"""The project's extension: hypercalls, split operations, builder threads."""


class HostShape(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Node i owns machine frames i*node_span .. i*node_span+nodes[i]-1; all are free at boot."""

    node_span: Annotated[int, Meta(ge=1, le=2**40)]
    nodes: Annotated[list[Annotated[int, Meta(ge=0, le=2**40)]], Meta(min_length=1, max_length=64)]
    llc_coloring: bool = False  # claim-trace/2, as the next two
    last_alloc_node: Annotated[int, Meta(ge=0, le=254)] | UnsetType = UNSET  # of a new domain; absent: none
    debug_build: bool = False  # assertions of a debug build stop the host


def least_span(nodes: Iterable[int]) -> int:
    """The least power of two that holds the pages of every node: the usual ``node_span``."""
    return 1 << (max(*nodes, 1) - 1).bit_length()


class Header(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The first line of a trace."""

    format: str
    semantics: str
    source: str
    host: HostShape
    seed: int = 0
    expect: list[str] = []  # claim-trace/2: exactly the properties that the trace violates
