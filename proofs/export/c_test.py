"""A trace as a C function against the adapter kit (docs/adapters): every result and every observed counter is checked.

Which block an allocation takes is free, so frames of allocated blocks are kept in variables. A free frame that a trace
takes offline is the recorded one: where an implementation chose other blocks it may be in use, and the test says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from proofs.export.pytest_test import identifier
from proofs.operations import Boot, Event, PendingScrub, State
from proofs.operations.entries import none_in_c
from proofs.traces.events import Header

_COUNTERS = ("max_pages", "tot_pages", "global_claims", "node_claims", "outstanding_pages", "claim_node")

_LOCALS = {
    "&info": "struct claim_domain_info info",
    "&set,": "struct claim_memory_claims set",
    "&populate": "struct claim_populate populate",
    "&exchange": "struct claim_exchange exchange",
    "&outstanding_pages": "int64_t free_pages, outstanding_pages",
}
"""What a test declares if this is in its text."""

_FRAME = """\
/* {source} */
static int test_{name}(const struct claim_adapter *impl)
{{
    struct claim_host_state host;
    struct claim_domain_state domain;
{locals}{frames}
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

    def frame(self, mfn: int, order: int = 0) -> str:
        """The implementation's frame, by the variable of its block if it is allocated."""
        found = f"{mfn}ull"
        for first, (variable, pages) in self.blocks.items():
            if first <= mfn < first + pages:
                found = f"(uint64_t){variable}" + (f" + {mfn - first}" if mfn > first else "")
        return f"ca_frame_in({found}, {order})"

    def block(self, call: str, mfn: int | None | UnsetType, order: int) -> None:
        """A call that returns a frame: a block on that node, or CLAIM_NONE."""
        if mfn is None:
            self.check(f"{call} == CLAIM_NONE")
        else:
            self._got(f"ca_frame_out({call}, {order})", mfn, order)

    def blocks_of(self, array: str, mfns: Sequence[int], order: int) -> None:
        """The blocks in an array."""
        for at, mfn in enumerate(mfns):
            self._got(f"{array}[{at}]", mfn, order)

    def _got(self, value: str, mfn: int | UnsetType, order: int) -> None:
        variable = f"mfn{self.variables}"
        self.variables += 1
        self.line(f"{variable} = {value};")
        self.check(f"{variable} != CLAIM_NONE")
        if mfn is not UNSET:
            self.blocks = {
                first: known for first, known in self.blocks.items() if not mfn <= first < mfn + (1 << order)
            }
            self.blocks[mfn] = (variable, 1 << order)
            self.check(f"{variable} / {self.node_span} == {mfn // self.node_span} /* its node */")


def c_test(name: str, header: Header, events: Sequence[Event]) -> str:
    """The text of one test function; put :data:`PROLOGUE` once before all of them.

    :raises InexpressibleEventError: an event is of a builder thread, or a crash
    """
    body = _Body(header.host.node_span)
    for index, event in enumerate(events):
        if event.builder is not UNSET or event.crash is not UNSET:
            why = "a crash" if event.crash is not UNSET else f"{event.op} of a builder"
            raise InexpressibleEventError(f"event {index} is {why}: a C test has whole functions only")
        body.lines.append(f"\n    /* event {index}: {event.op} */")
        if type(event) is Boot:
            _boot(body, header)
        else:
            event.in_c(body)
        if event.state is not UNSET:
            _state(body, event.state)
    frames = "".join(f"    int64_t mfn{i};\n" for i in range(body.variables))
    source = header.source.replace("*/", "* /")
    text = "\n".join(body.lines)
    needed = "".join(f"    {declared};\n" for word, declared in _LOCALS.items() if word in text)
    return _FRAME.format(source=source, name=identifier(name), locals=needed, frames=frames, body=text)


def _boot(body: _Body, header: Header) -> None:
    pages = ", ".join(map(str, header.host.nodes))
    shape = header.host
    fields = {
        "nodes": len(shape.nodes),
        "node_span": shape.node_span,
        "pages": f"{{ {pages} }}",
        "last_alloc_node": none_in_c(shape.last_alloc_node),
        "llc_coloring": int(shape.llc_coloring),
        "debug_build": int(shape.debug_build),
    }
    given = ", ".join(f".{name} = {value}" for name, value in fields.items())
    body.check(f"claim_adapter_boot(impl, &(const struct claim_host){{ {given} }}) == 0")


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
        if counters.creation_finished is not UNSET:
            finished = int(counters.creation_finished)
            body.check(f"!domain.has_creation_finished || domain.creation_finished == {finished}")
        if counters.pending_scrub is not UNSET:
            _stash(body, counters.pending_scrub)


def _stash(body: _Body, stash: PendingScrub | None) -> None:
    if stash is None:
        body.check("!domain.has_pending_scrub || domain.pending_mfn == CLAIM_NONE")
        return
    same = f"domain.pending_order == {stash.order} && domain.pending_scrub_index == {stash.scrub_index}"
    body.check(f"!domain.has_pending_scrub || (domain.pending_mfn != CLAIM_NONE && {same})")
