"""A trace as a C function against the adapter kit (docs/adapters): every result and every observed counter is checked.

Which block an allocation takes is free, so frames of allocated blocks are kept in variables. A free frame that a trace
takes offline is the recorded one: where an implementation chose other blocks it may be in use, and the test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from proofs.export.pytest_test import identifier
from proofs.operations import (
    AllocDomheapPages,
    Boot,
    CreateDomain,
    DomainKill,
    Event,
    FreeDomheapPages,
    InstallClaimSet,
    OfflinePage,
    SetMaxPages,
    SetOutstandingPages,
    State,
)
from proofs.traces.events import Header

_FLAGS = {"exact_node": "CLAIM_EXACT_NODE", "no_owner": "CLAIM_NO_OWNER", "no_refcount": "CLAIM_NO_REFCOUNT"}
_COUNTERS = ("max_pages", "tot_pages", "global_claims", "node_claims", "outstanding_pages", "claim_node")

_FRAME = """\
/* {source} */
static int test_{name}(const struct claim_adapter *impl)
{{
    struct claim_host_state host;
    struct claim_domain_state domain;
{frames}
{body}
    (void)domain;
    return 0;
}}
"""

PROLOGUE = """\
#include <stdio.h>

#define CLAIM_TEST(condition) do {                                              \\
    if ( !(condition) )                                                         \\
    {                                                                           \\
        fprintf(stderr, "%s:%d: %s\\n", __FILE__, __LINE__, #condition);         \\
        return 1;                                                               \\
    }                                                                           \\
} while ( 0 )
"""


class NotExpressible(Exception):
    """The adapter kit has no such operation; the message names event and operation."""


@dataclass
class _Body:
    """The statements of one test, and what is known of its blocks."""

    semantics: str
    node_span: int
    lines: list[str] = field(default_factory=list)
    blocks: dict[int, tuple[str, int]] = field(default_factory=dict)
    """First frame, as the trace has it, to the variable that holds it and the number of frames."""
    variables: int = 0

    def check(self, condition: str) -> None:
        self.lines.append(f"    CLAIM_TEST({condition});")

    def frame(self, mfn: int) -> str:
        """A frame of the trace, by the variable of its block if it is allocated."""
        for first, (variable, pages) in self.blocks.items():
            if first <= mfn < first + pages:
                return f"(uint64_t){variable}" + (f" + {mfn - first}" if mfn > first else "")
        return f"{mfn}ull"


def c_test(name: str, header: Header, events: Sequence[Event]) -> str:
    """The text of one test function; put :data:`PROLOGUE` once before all of them.

    :raises NotExpressible: an event is of the hypercalls, of a builder thread, or a crash
    """
    body = _Body(header.semantics, header.host.node_span)
    for index, event in enumerate(events):
        kind = type(event)
        if kind not in _WRITERS or event.builder is not UNSET or event.crash is not UNSET:
            why = "a crash" if event.crash is not UNSET else f"{event.op}"
            raise NotExpressible(f"event {index} is {why}: the adapter kit has whole functions only")
        body.lines.append(f"\n    /* event {index}: {event.op} */")
        _WRITERS[kind](body, event, header)
        if event.state is not UNSET:
            _state(body, event.state)
    frames = "".join(f"    int64_t mfn{i};\n" for i in range(body.variables))
    source = header.source.replace("*/", "* /")
    return _FRAME.format(source=source, name=identifier(name), frames=frames, body="\n".join(body.lines))


def _boot(body: _Body, _event: Boot, header: Header) -> None:
    pages = ", ".join(map(str, header.host.nodes))
    nodes = f"{len(header.host.nodes)}, (const uint64_t[]){{ {pages} }}"
    last = header.host.last_alloc_node
    body.lines.append(f"    /* last_alloc_node of a new domain: {'none' if last is UNSET else last} */")
    body.check(f"impl->boot({nodes}, {header.host.node_span}) == 0")


def _create_domain(body: _Body, event: CreateDomain, _header: Header) -> None:
    affinity = sum(1 << node for node in set(event.node_affinity))
    body.check(f"impl->create_domain({event.domid}, {event.max_pages}u, 0x{affinity:x}ull) == 0")


def _set_max_pages(body: _Body, event: SetMaxPages, _header: Header) -> None:
    body.check(f"impl->set_max_pages({event.domid}, {event.max_pages}u) == 0")


def _install(body: _Body, event: InstallClaimSet, _header: Header) -> None:
    entries = [
        f"{{ {c.pages}ull, {'CLAIM_TARGET_GLOBAL' if c.target == 'global' else c.target}, {c.pad} }}"
        for c in event.claims
    ]
    claims = f"(const struct claim_entry[]){{ {', '.join(entries)} }}" if entries else "0"
    _result(body, f"impl->install_claim_set({event.domid}, {claims}, {len(entries)})", event.result)


def _claim(body: _Body, event: SetOutstandingPages, _header: Header) -> None:
    node = "CLAIM_NONE" if event.node is UNSET or event.node is None else event.node
    _result(body, f"impl->set_outstanding_pages({event.domid}, {event.pages}ull, {node})", event.result)


def _result(body: _Body, call: str, result: object) -> None:
    if result is UNSET:
        body.lines.append(f"    {call};")
    elif result == "OK":
        body.check(f"{call} == 0")
    else:
        body.check(f"abs({call}) == {result}")


def _alloc(body: _Body, event: AllocDomheapPages, _header: Header) -> None:
    domid = "CLAIM_NONE" if event.domid is None else event.domid
    node = "CLAIM_NONE" if event.node is None else event.node
    flags = " | ".join(_FLAGS[flag] for flag in event.memflags) or "0"
    call = f"impl->alloc_domheap_pages({domid}, {event.order}, {node}, {flags})"
    if event.mfn is None:
        body.check(f"{call} == CLAIM_NONE")
        return
    variable, body.variables = f"mfn{body.variables}", body.variables + 1
    body.lines.append(f"    {variable} = {call};")
    body.check(f"{variable} != CLAIM_NONE")
    if event.mfn is not UNSET:
        body.blocks[event.mfn] = (variable, 1 << event.order)
        body.check(f"{variable} / {body.node_span} == {event.mfn // body.node_span} /* its node */")


def _free(body: _Body, event: FreeDomheapPages, _header: Header) -> None:
    body.check(f"impl->free_domheap_pages({body.frame(event.mfn)}, {event.order}) == 0")
    body.blocks.pop(event.mfn, None)


def _offline(body: _Body, event: OfflinePage, _header: Header) -> None:
    body.check(f'!strcmp(impl->offline_page({body.frame(event.mfn)}), "{event.result}")')


def _kill(body: _Body, event: DomainKill, _header: Header) -> None:
    _result(body, f"impl->domain_kill({event.domid})", event.result)


_WRITERS: dict[type[Event], Callable[[_Body, Any, Header], None]] = {
    Boot: _boot,
    CreateDomain: _create_domain,
    SetMaxPages: _set_max_pages,
    InstallClaimSet: _install,
    SetOutstandingPages: _claim,
    AllocDomheapPages: _alloc,
    FreeDomheapPages: _free,
    OfflinePage: _offline,
    DomainKill: _kill,
}


def _state(body: _Body, state: State) -> None:
    body.lines.append("    impl->observe_host(&host);")
    body.check(f"host.total_avail_pages == {state.total_avail_pages}")
    body.check(f"host.outstanding_claims == {state.outstanding_claims}")
    for node, (avail, claimed) in enumerate(zip(state.node_avail_pages, state.node_outstanding_claims, strict=True)):
        body.check(f"host.node_avail_pages[{node}] == {avail}")
        body.check(f"host.node_outstanding_claims[{node}] == {claimed}")
    for domid, counters in state.domains.items():
        body.lines.append(f"    impl->observe_domain({domid}, &domain);")
        for name in _COUNTERS:
            value = getattr(counters, name)
            if value is not UNSET:
                body.check(f"domain.{name} == {value}{'' if name == 'claim_node' else 'u'}")
        for node, claim in enumerate([] if counters.claims is UNSET else counters.claims):
            body.check(f"domain.claims[{node}] == {claim}u")
