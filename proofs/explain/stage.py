"""A trace run on the reference for a spectator: who has which pages after every event, and which locks it took."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from proofs.explain.story import actor, arguments, changes, result
from proofs.explore.running import Running
from proofs.operations import Events2
from proofs.replay.observe import observe
from reference.locks import CheckedLock
from reference.pages import PageState
from reference.properties import check_state
from reference.state import Host, all_locks
from reference.status import HypervisorCrash, MisuseError

NOBODY = "no domain"


class Bar(Struct, omit_defaults=True):
    """Pages of a node, or of the whole host: offline, used and in limbo by whom, claimed by whom, and the rest."""

    name: str
    pages: int
    offline: int = 0
    used: dict[str, int] = {}
    limbo: dict[str, int] = {}
    claimed: dict[str, int] = {}
    host_wide: dict[str, int] = {}
    """Of the host: claims on no node."""
    unclaimed: int = 0
    """Negative: so many pages are claimed that are not free."""


class Scene(Struct, omit_defaults=True):
    """One event and what came of it."""

    op: str
    who: str
    arguments: dict[str, str] = {}
    result: str = ""
    sections: list[list[str]] = []
    """Critical sections in order, each with the locks it took."""
    changes: list[str] = []
    bars: list[Bar] = []
    """Of each node, then of the host. Empty behind a crash."""
    violations: list[str] = []
    crash: str = ""
    impossible: str = ""
    """Why it cannot happen here: what it goes on with was refused before."""

    @property
    def refused(self) -> bool:
        """Whether the caller got less than asked for."""
        words = self.result.split()
        return bool(words) and (self.result == "refused" or words[0].startswith("E"))


class _Watched(list[CheckedLock]):
    """The locks held, with a record of the critical sections since it was emptied."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[list[str]] = []

    def append(self, lock: CheckedLock) -> None:
        if not self:
            self.sections.append([])
        self.sections[-1].append(lock.name)
        super().append(lock)


class Stage:
    """A host of the reference on which events are done one by one."""

    def __init__(self, semantics: str, nodes: Iterable[int]) -> None:
        self.running = Running(semantics, tuple(nodes), check_locks=True)
        self.locks = _Watched()
        host = self.host
        host.locks_held = self.locks
        assert isinstance(host.heap_lock, CheckedLock)
        host.heap_lock.held = self.locks
        self.before = observe(host)
        self.ended = False

    @property
    def host(self) -> Host:
        """The host as it is now."""
        return self.running.host

    def boot(self) -> Scene:
        """The host before the first event."""
        return Scene("boot", "host", bars=bars(self.host))

    def play(self, written: dict[str, Any]) -> Scene:
        """Do one event; its recorded outcome is not looked at."""
        asked = request_of(written)
        event = msgspec.convert(asked, Events2)
        who, given = actor(event), arguments(event)
        sections: list[list[str]] = []
        self.locks.sections = sections
        try:
            outcome = msgspec.to_builtins(self.running.do(asked))
        except HypervisorCrash as stopped:
            self.ended = True
            return Scene(event.op, who, given, sections=sections, crash=str(stopped))
        except (MisuseError, KeyError) as error:
            reason = str(error) if isinstance(error, MisuseError) else "what it goes on with has ended already"
            return Scene(event.op, who, given, bars=bars(self.host), impossible=reason)
        self.locks.sections = []  # an observer takes the locks too
        after = observe(self.host)
        differs = changes(self.before, after)
        self.before = after
        broken = [str(violation) for violation in check_state(self.host)]
        shown = result(msgspec.convert(asked | outcome, Events2))
        return Scene(event.op, who, given, shown, sections, differs, bars(self.host), broken)


def request_of(written: dict[str, Any]) -> dict[str, Any]:
    """A recorded event without what came of it; the block that it got is a choice, and stays."""
    return {k: v for k, v in written.items() if k not in ("state", "result", "crash", "on_node")}


def bars(host: Host) -> list[Bar]:
    """Who has the pages of each node, and of the host."""
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
