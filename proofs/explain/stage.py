"""Runs a trace on the reference for display: the owners of pages after every event, and the locks that it took."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from proofs.explain.story import actor, arguments, changes, result
from proofs.explore.running import RunningHost
from proofs.operations import Events2
from proofs.replay.observe import observe
from reference.locks import CheckedLock
from reference.pages import PageState
from reference.properties import check_state
from reference.state import Host, all_locks
from reference.status import HypervisorCrash, MisuseError

NOBODY = "no domain"


class Bar(Struct, omit_defaults=True):
    """Pages of a node or of the host: offline; used, in limbo and claimed by domain; and the rest."""

    name: str
    pages: int
    offline: int = 0
    used: dict[str, int] = {}
    limbo: dict[str, int] = {}
    claimed: dict[str, int] = {}
    host_wide: dict[str, int] = {}
    """For the host: claims that are not on a node."""
    unclaimed: int = 0
    """Unclaimed free pages; negative: claims exceed free pages by this number."""


class Scene(Struct, omit_defaults=True):
    """One event and its outcome."""

    op: str
    who: str
    arguments: dict[str, str] = {}
    result: str = ""
    sections: list[list[str]] = []
    """Critical sections in order, each with the locks it took."""
    changes: list[str] = []
    bars: list[Bar] = []
    """For each node, and last for the host; empty: the host crashed."""
    violations: list[str] = []
    crash: str = ""
    impossible: str = ""
    """Why the event cannot happen here; for example, the operation that it continues was refused."""

    @property
    def refused(self) -> bool:
        """Whether the caller got less than it requested."""
        words = self.result.split()
        return bool(words) and (self.result == "refused" or words[0].startswith("E"))


class _WatchedLocks(list[CheckedLock]):
    """The locks held, with a record of the critical sections since the record was cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[list[str]] = []

    def append(self, lock: CheckedLock) -> None:
        if not self:
            self.sections.append([])
        self.sections[-1].append(lock.name)
        super().append(lock)


class Stage:
    """A host of the reference on which events are run one by one."""

    def __init__(self, semantics: str, nodes: Iterable[int]) -> None:
        self.running = RunningHost(semantics, tuple(nodes), check_locks=True)
        self.locks = _WatchedLocks()
        host = self.host
        host.locks_held = self.locks
        assert isinstance(host.heap_lock, CheckedLock)
        host.heap_lock.held = self.locks
        self.before = observe(host)
        self.ended = False

    @property
    def host(self) -> Host:
        """The current host."""
        return self.running.host

    def boot(self) -> Scene:
        """The host before the first event."""
        return Scene("boot", "host", bars=bars(self.host))

    def play(self, written: dict[str, Any]) -> Scene:
        """Run one event; its recorded outcome is ignored."""
        asked = request_of(written)
        event = msgspec.convert(asked, Events2)
        who, given = actor(event), arguments(event)
        sections: list[list[str]] = []
        self.locks.sections = sections
        ended = event.op == "continue" and event.builder not in self.running.begun
        try:
            outcome = msgspec.to_builtins(self.running.do(asked))
        except HypervisorCrash as stopped:
            self.ended = True
            return Scene(event.op, who, given, sections=sections, crash=str(stopped))
        except MisuseError as error:
            reason = "the operation that it continues has ended already" if ended else str(error)
            return Scene(event.op, who, given, bars=bars(self.host), impossible=reason)
        self.locks.sections = []  # an observer takes the locks too
        after = observe(self.host)
        differs = changes(self.before, after)
        self.before = after
        broken = [str(violation) for violation in check_state(self.host)]
        shown = result(msgspec.convert(asked | outcome, Events2))
        return Scene(event.op, who, given, shown, sections, differs, bars(self.host), broken)


def request_of(written: dict[str, Any]) -> dict[str, Any]:
    """A recorded event without its outcome, except the block that it got, which is a choice of the allocator."""
    return {k: v for k, v in written.items() if k not in ("state", "result", "crash", "on_node")}


def bars(host: Host) -> list[Bar]:
    """One bar per node, and a last one for the host."""
    with all_locks(host):
        nodes = [Bar(f"node {n}", host.node_pages[n]) for n in host.nodes]
        whole = Bar("host", sum(host.node_pages))
        for mfn in host.pages.offlined:
            nodes[host.node_of(mfn)].offline += 1
            whole.offline += 1
        for block in host.pages.blocks.values():
            owner = NOBODY if block.domid is None else f"d{block.domid}"
            for bar in (nodes[host.node_of(block.mfn)], whole):
                _add(bar.limbo if block.state is PageState.LIMBO else bar.used, owner, block.pages)
        for domid, domain in host.domains.items():
            for node, pages in zip(nodes, domain.claims, strict=True):
                _add(node.claimed, f"d{domid}", pages)
                _add(whole.claimed, f"d{domid}", pages)
            _add(whole.host_wide, f"d{domid}", domain.global_claims)
        for bar, avail, claimed in zip(nodes, host.node_avail_pages, host.node_outstanding_claims, strict=True):
            bar.unclaimed = avail - claimed
        whole.unclaimed = host.unclaimed()
    return [*nodes, whole]


def _add(to: dict[str, int], whom: str, pages: int) -> None:
    if pages:
        to[whom] = to.get(whom, 0) + pages
