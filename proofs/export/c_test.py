"""A trace as a C function against the adapter kit (docs/adapters): every result and every observed counter is checked.

Which block an allocation takes is free, so frames of allocated blocks are kept in variables. A free frame that a trace
takes offline is the recorded one: where an implementation chose other blocks it may be in use, and the test says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from proofs.export.pytest_test import identifier
from proofs.operations import Boot, Event, State
from proofs.traces.events import Header

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


class InexpressibleEventError(Exception):
    """The adapter kit has no such operation; the message names event and operation."""


@dataclass
class _Body:
    """The statements of one test, and what is known of its blocks."""

    node_span: int
    lines: list[str] = field(default_factory=list)
    blocks: dict[int, tuple[str, int]] = field(default_factory=dict)
    """First frame, as the trace has it, to the variable that holds it and the number of frames."""
    variables: int = 0

    def line(self, statement: str) -> None:
        self.lines.append(f"    {statement}")

    def check(self, condition: str) -> None:
        self.line(f"CLAIM_TEST({condition});")

    def result(self, call: str, result: object) -> None:
        if result is UNSET:
            self.line(f"{call};")
        else:
            self.check(f"{call} == 0" if result == "OK" else f"abs({call}) == {result}")

    def variable(self) -> str:
        """A new variable for a frame."""
        self.variables += 1
        return f"mfn{self.variables - 1}"

    def frame(self, mfn: int) -> str:
        """A frame of the trace, by the variable of its block if it is allocated."""
        for first, (variable, pages) in self.blocks.items():
            if first <= mfn < first + pages:
                return f"(uint64_t){variable}" + (f" + {mfn - first}" if mfn > first else "")
        return f"{mfn}ull"


def c_test(name: str, header: Header, events: Sequence[Event]) -> str:
    """The text of one test function; put :data:`PROLOGUE` once before all of them.

    :raises InexpressibleEventError: an event is of the hypercalls, of a builder thread, or a crash
    """
    body = _Body(header.host.node_span)
    for index, event in enumerate(events):
        if not (type(event) is Boot or event.has_c()) or event.builder is not UNSET or event.crash is not UNSET:
            why = "a crash" if event.crash is not UNSET else f"{event.op}"
            raise InexpressibleEventError(f"event {index} is {why}: the adapter kit has whole functions only")
        body.lines.append(f"\n    /* event {index}: {event.op} */")
        if type(event) is Boot:
            _boot(body, header)
        else:
            event.in_c(body)
        if event.state is not UNSET:
            _state(body, event.state)
    frames = "".join(f"    int64_t mfn{i};\n" for i in range(body.variables))
    source = header.source.replace("*/", "* /")
    return _FRAME.format(source=source, name=identifier(name), frames=frames, body="\n".join(body.lines))


def _boot(body: _Body, header: Header) -> None:
    pages = ", ".join(map(str, header.host.nodes))
    nodes = f"{len(header.host.nodes)}, (const uint64_t[]){{ {pages} }}"
    last = header.host.last_alloc_node
    body.lines.append(f"    /* last_alloc_node of a new domain: {'none' if last is UNSET else last} */")
    body.check(f"impl->boot({nodes}, {header.host.node_span}) == 0")


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
