"""The steps of a countermodel as events of the trace format; which frames are where is kept here."""

from collections.abc import Iterable
from typing import Any

from model.rules import Rules
from model.transitions.stash import SMALLEST
from reference.constants import SCRUB_CHUNK, XENMEMF_exact_node_request

ORDER = SMALLEST.bit_length() - 1
"""Of an extent that can be stashed."""


class Untellable(Exception):
    """The model took a step that no operation takes with the frames that there are."""


class _FreePages:
    """The free frames of a node; of a node on which an extent is stashed the last ones are taken first."""

    def __init__(self, first: int, pages: int) -> None:
        self.first, self.pages = first, pages
        self.taken: set[int] = set()

    def take(self, last: bool = False) -> int:
        """A free frame."""
        frames = range(self.first, self.first + self.pages)
        found = next((f for f in (reversed(frames) if last else frames) if f not in self.taken), None)
        if found is None:
            raise Untellable
        self.taken.add(found)
        return found

    def single(self) -> int:
        """A frame that breaks no more of the larger blocks than it must."""
        return self.take(last=self.pages >= SMALLEST)

    def block(self) -> list[int]:
        """The frames of an extent that can be stashed."""
        for first in range(self.first, self.first + self.pages - SMALLEST + 1, SMALLEST):
            if self.taken.isdisjoint(range(first, first + SMALLEST)):
                self.taken.update(range(first, first + SMALLEST))
                return list(range(first, first + SMALLEST))
        raise Untellable

    def give(self, frames: Iterable[int]) -> None:
        """These are free again."""
        self.taken.difference_update(frames)


class Writer:
    """Events in the operations of the trace format."""

    def __init__(self, nodes: list[int], span: int, rules: Rules) -> None:
        self.nodes, self.rules = len(nodes), rules
        self.free = {n: _FreePages(n * span, pages) for n, pages in enumerate(nodes)}
        self.limbo: dict[tuple[int, int], list[int]] = {}
        self.assigned: dict[tuple[int, int], list[int]] = {}
        self.extra: dict[tuple[int, int], list[int]] = {}
        self.unassigned: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        """Pages to be somebody's extra pages, with the event that allocated them: whose is not known yet."""
        self.anonymous: dict[int, list[int]] = {}
        self.offlined: dict[int, list[int]] = {}
        self.transit: dict[int, list[tuple[int, str]]] = {}
        self.marks: dict[int, list[tuple[dict[str, Any], set[int]]]] = {}
        """Events that mark a page which is not known yet, with the pages that it may be."""
        self.stashes: dict[int, list[int]] = {}
        self.populating: dict[int, list[dict[str, Any]]] = {}
        """By domain: the populates that began and have not allocated yet."""
        self.calls: dict[int, list[dict[str, Any]]] = {}
        self.builders = 0
        self.killing: dict[int, str] = {}
        self.dying: set[int] = set()
        self.events: list[dict[str, Any]] = []

    def _builder(self) -> str:
        self.builders += 1
        return f"builder-{self.builders}"

    def write(self, name: str, a: dict[str, Any]) -> None:
        """The event of one step.

        :raises Untellable: there is none
        """
        getattr(self, f"_{name}")(a)

    def end(self) -> None:
        """What later events would have told: a legacy call asks for a page, extra pages are the first domain's, and a
        page is marked that nothing was done with."""
        for calls in self.calls.values():
            for event in calls:
                event.setdefault("nr_extents", 1)
        for pages in self.unassigned.values():
            for _mfn, event in pages:
                event["domid"] = event["listed"][0]
        for event in self.events:
            event.pop("listed", None)
        for marks in self.marks.values():
            while marks:
                self._resolve(marks, 0, min(marks[0][1], default=None))

    # -- domains

    def _create_domain(self, a: dict[str, Any]) -> None:
        affinity = list(range(self.nodes))
        self.events.append(
            {"op": "create_domain", "domid": a["domid"], "max_pages": a["max_pages"], "node_affinity": affinity}
        )

    def _set_max_pages(self, a: dict[str, Any]) -> None:
        self.events.append({"op": "set_max_pages", "domid": a["domid"], "max_pages": a["max_pages"]})

    def _domain_kill(self, a: dict[str, Any]) -> None:
        self.killing[a["domid"]] = self._builder()
        self.dying.add(a["domid"])
        self.events.append({"op": "domain_kill", "domid": a["domid"], "builder": self.killing[a["domid"]]})

    def _domain_kill_release(self, a: dict[str, Any]) -> None:
        domid = a["domid"] if "domid" in a else next(iter(self.killing))
        result = {} if domid in self.stashes else {"result": "OK"}
        self.events.append({"op": "continue", "builder": self.killing[domid], **result})

    def _destroy_domain(self, a: dict[str, Any]) -> None:
        self.dying.add(a["domid"])
        self.events.append({"op": "domain_destroy", "domid": a["domid"]})

    def _destroydomain(self, a: dict[str, Any]) -> None:
        self.dying.add(a["domid"])
        self.events.append({"op": "destroydomain", "domid": a["domid"], "result": "OK"})

    # -- claims

    def _claim_memory(self, a: dict[str, Any], result: str = "OK") -> None:
        claims: list[dict[str, Any]] = [
            {"pages": pages, "target": n}
            for entries in (a["first"], a["second"])
            for n, pages in enumerate(entries)
            if pages
        ]
        if a["global"] or not claims:
            claims.append({"pages": a["global"], "target": "global"})
        self.events.append({"op": "install_claim_set", "domid": a["domid"], "claims": claims, "result": result})

    def _claim_memory_refused(self, a: dict[str, Any]) -> None:
        self._claim_memory(a, "ENOMEM")

    def _release_claims(self, a: dict[str, Any]) -> None:
        self.events.append({"op": "claim_memory", "domid": a["domid"], "claims": [], "result": "OK"})

    def _claim_on_node(self, a: dict[str, Any]) -> None:
        self._function(a["domid"], a["pages"], a["node"])

    def _claim_crashes(self, a: dict[str, Any]) -> None:
        self._function(a["domid"], a["pages"], None if a["host_wide"] else a["node"])
        self._crash()

    def _function(self, domid: int, pages: int, node: int | None = None) -> None:
        """A claim call that looks at nothing before its locks."""
        target = {} if node is None else {"node": node}
        self.events.append({"op": "set_outstanding_pages", "domid": domid, "pages": pages, **target, "result": "OK"})

    def _crash(self, text: str = "BUG_ON: claims > avail_pages") -> None:
        """The last event: the host stops in it."""
        for observed in ("result", "on_node", "mfn"):
            self.events[-1].pop(observed, None)
        self.events[-1]["crash"] = text

    def _claim_pages_check(self, a: dict[str, Any]) -> None:
        event = {"op": "claim_pages", "domid": a["domid"], "builder": self._builder()}
        self.calls.setdefault(a["domid"], []).append(event)
        self.events.append(event)

    def _set_outstanding_pages(self, a: dict[str, Any]) -> None:
        if self.rules.refuses_dying:
            self._go_on(a)
        else:
            self._function(a["domid"], a.get("pages", 0))

    def _go_on(self, a: dict[str, Any], mem_flags: int = 0) -> None:
        """A call that was past its look-up goes on to its end."""
        if not self.calls.get(a["domid"]):
            raise Untellable
        call = self.calls[a["domid"]].pop(0)
        call["nr_extents"] = a.get("pages", 0)
        if mem_flags:
            call["mem_flags"] = mem_flags
        self.events.append({"op": "continue", "builder": call["builder"], "result": "OK"})

    def _set_outstanding_pages_zero(self, a: dict[str, Any]) -> None:
        self._set_outstanding_pages({"domid": a["domid"]})

    def _claim_for_destroyed(self, a: dict[str, Any]) -> None:
        self._go_on(a)

    def _claim_on_node_for_destroyed(self, a: dict[str, Any]) -> None:
        self._go_on(a, XENMEMF_exact_node_request | (a["node"] + 1) << 8)

    def _release_for_destroyed(self, a: dict[str, Any]) -> None:
        self._go_on({"domid": a["domid"]})

    # -- getting pages

    def _request(self, a: dict[str, Any], op: str, domid: int | None, flags: Iterable[str]) -> dict[str, Any]:
        exact = ["exact_node"] if a["exact_node"] else []
        named = None if a["anywhere"] else a["requested_node"]
        event = {"op": op, "domid": domid, "order": 0, "node": named, "memflags": [*exact, *flags]}
        self.events.append(event)
        return event

    def _allocate(self, a: dict[str, Any], domid: int | None, *flags: str) -> int:
        mfn = self.free[a["node"]].single()
        self._request(a, "alloc_heap_pages", domid, flags).update({"mfn": mfn, "on_node": a["node"]})
        return mfn

    def _alloc_heap_pages(self, a: dict[str, Any]) -> None:
        mfn = self._allocate(a, a["domid"])
        place = self.assigned if self.rules.assigns_at_alloc else self.limbo
        place.setdefault((a["domid"], a["node"]), []).append(mfn)

    def _alloc_heap_pages_unowned(self, a: dict[str, Any]) -> None:
        flags = ["no_owner"] if "domid" in a else []
        self.anonymous.setdefault(a["node"], []).append(self._allocate(a, a.get("domid"), *flags))

    def _exchange_allocate(self, a: dict[str, Any]) -> None:
        """Pages that a domain gets without refcount: its extra pages, once they are assigned."""
        mfn = self._allocate(a, a.get("domid"), "no_refcount")
        created = [event["domid"] for event in self.events if event["op"] == "create_domain"]
        gone = {e["domid"] for e in self.events if e["op"] in ("domain_destroy", "destroydomain")}
        listed = [a["domid"]] if "domid" in a else [domid for domid in created if domid not in gone]
        self.events[-1]["listed"] = listed
        self.unassigned.setdefault(a["node"], []).append((mfn, self.events[-1]))

    def _alloc_domheap_pages_refused(self, a: dict[str, Any]) -> None:
        self._request(a, "alloc_domheap_pages", a["domid"], ())["mfn"] = None

    def _allocation_crashes(self, a: dict[str, Any]) -> None:
        self.events.append({"op": "alloc_heap_pages", "domid": a["domid"], "order": 0, "node": a["node"]})
        self.events[-1] |= {"memflags": ["exact_node"], "on_node": a["node"]}
        self._crash()

    def _redemption_crashes(self, _a: dict[str, Any]) -> None:
        raise Untellable  # it is not reached: see `no-crash`

    def _populate_preempted(self, a: dict[str, Any]) -> None:
        """An extent leaves the heap and is stashed while it is scrubbed."""
        event = self._request(a, "populate_physmap", a["domid"], ())
        del event["order"]
        event |= {"nr_extents": 1, "extent_order": ORDER, "preempt_at": {"extent": 0, "scrub_index": SCRUB_CHUNK}}
        event |= {"mfns": [], "nr_done": 0, "preempted": "scrubbing", "scrub_index": SCRUB_CHUNK}
        self.stashes[a["domid"]] = self.free[a["node"]].block()

    def _populate_begins(self, a: dict[str, Any]) -> None:
        event = {"op": "populate_physmap", "domid": a["domid"], "nr_extents": 1, "extent_order": 0}
        self.events.append({**event, "builder": self._builder()})
        self.populating.setdefault(a["domid"], []).append(self.events[-1])

    def _alloc_for_destroyed(self, a: dict[str, Any]) -> None:
        """A populate goes on that began while the domain was on the list."""
        if not self.populating.get(a["domid"]):
            raise Untellable
        event = self.populating[a["domid"]].pop(0)
        event["node"] = a["requested_node"]
        event["memflags"] = ["exact_node"] if a["exact_node"] else []
        self.limbo.setdefault((a["domid"], a["node"]), []).append(self.free[a["node"]].single())
        self.events.append({"op": "continue", "builder": event["builder"]})

    def _free_stash(self, a: dict[str, Any]) -> None:
        """A populate that it does not suit frees it before all else; so does the end of domain_kill."""
        frames = self.stashes.pop(a["domid"], None)
        if frames is None:
            raise Untellable
        self.free[a["node"]].give(frames)
        if a["domid"] in self.dying:
            self.events.append({"op": "continue", "builder": self.killing[a["domid"]], "result": "OK"})
            return
        event = {"op": "populate_physmap", "domid": a["domid"], "nr_extents": 1, "extent_order": 0}
        self.events.append({**event, "builder": self._builder()})

    def _assign(self, a: dict[str, Any], accepted: bool) -> int:
        mfn = self._choose(self.limbo.get((a["domid"], a["node"]), []), a["node"], a.get("marks", 0), ends=accepted)
        event = {"op": "assign_pages", "mfn": mfn, "order": 0, "domid": a["domid"]}
        self.events.append(event | ({"result": "OK"} if accepted else {}))
        return mfn

    def _assign_pages(self, a: dict[str, Any]) -> None:
        self.assigned.setdefault((a["domid"], a["node"]), []).append(self._assign(a, True))

    def _assign_pages_refused(self, a: dict[str, Any]) -> None:
        self.transit.setdefault(a["node"], []).append((self._assign(a, False), ""))

    def _assign_extra_pages(self, a: dict[str, Any]) -> None:
        pages = self.unassigned.get(a["node"], [])
        number = next((i for i, (_mfn, event) in enumerate(pages) if a["domid"] in event["listed"]), None)
        if number is None:
            raise Untellable
        mfn, event = pages.pop(number)
        self._choose([mfn], a["node"], a["marks"])
        event["domid"] = a["domid"]
        self.extra.setdefault((a["domid"], a["node"]), []).append(mfn)
        flags = {"memflags": ["no_refcount"]}
        self.events.append({"op": "assign_pages", "mfn": mfn, "order": 0, "domid": a["domid"], **flags, "result": "OK"})

    # -- freeing

    def _begin_to_free(self, mfn: int, node: int) -> None:
        builder = self._builder()
        self.transit.setdefault(node, []).append((mfn, builder))
        self.events.append({"op": "free_domheap_pages", "mfn": mfn, "order": 0, "builder": builder})

    def _free_domheap_pages(self, a: dict[str, Any]) -> None:
        self._begin_to_free(self.assigned[a["domid"], a["node"]].pop(0), a["node"])

    def _free_extra_pages(self, a: dict[str, Any]) -> None:
        self._begin_to_free(self.extra[a["domid"], a["node"]].pop(0), a["node"])

    def _free_anonymous_pages(self, a: dict[str, Any]) -> None:
        self._begin_to_free(self.anonymous[a["node"]].pop(0), a["node"])

    def _free_heap_pages(self, a: dict[str, Any]) -> None:
        self.free[a["node"]].give([self._to_heap(a["node"], 0)])

    def _free_marked_page(self, a: dict[str, Any]) -> None:
        self.offlined.setdefault(a["node"], []).append(self._to_heap(a["node"], 1))

    def _to_heap(self, node: int, marks: int) -> int:
        pages = dict(self.transit.get(node, []))
        for mfn, event in self.unassigned.get(node, []):
            event["domid"] = event["listed"][0]
            pages[mfn] = ""
        mfn = self._choose(list(pages), node, marks)
        builder = pages[mfn]
        self.transit[node] = [page for page in self.transit.get(node, []) if page[0] != mfn]
        self.unassigned[node] = [page for page in self.unassigned.get(node, []) if page[0] != mfn]
        if builder:
            self.events.append({"op": "continue", "builder": builder})
        else:
            self.events.append({"op": "free_heap_pages", "mfn": mfn, "order": 0})
        return mfn

    # -- out of use

    def _offline_page(self, a: dict[str, Any]) -> None:
        mfn = self.free[a["node"]].take(last=True)
        self.offlined.setdefault(a["node"], []).append(mfn)
        self.events.append({"op": "offline_page", "mfn": mfn, "result": "OFFLINED"})

    def _online_page(self, a: dict[str, Any]) -> None:
        mfn = self.offlined[a["node"]].pop()
        self.free[a["node"]].give([mfn])
        self.events.append({"op": "online_page", "mfn": mfn})

    def _mark_page_offline(self, a: dict[str, Any]) -> None:
        """A page in use: which one is told by what becomes of it."""
        node, in_use = a["node"], set[int]()
        for by_cell in (self.limbo, self.assigned, self.extra):
            for (_domid, n), frames in by_cell.items():
                in_use |= set(frames) if n == node else set()
        in_use |= {mfn for mfn, _ in (*self.transit.get(node, []), *self.unassigned.get(node, []))}
        in_use |= {*self.anonymous.get(node, [])}
        event = {"op": "offline_page", "mfn": -1}
        self.events.append(event)
        self.marks.setdefault(node, []).append((event, in_use))

    def _choose(self, pages: list[int], node: int, marks: int, ends: bool = True) -> int:
        """A page of these, taken out of the list: one that is marked, or one that is not.

        :param ends: what is done with it tells whether it is marked
        """
        pending = self.marks.get(node, [])
        if not marks:
            unmarked = [mfn for mfn in pages if all(mfn not in candidates for _event, candidates in pending)]
            mfn = next(iter(unmarked or pages), None)
            if mfn is None:
                raise Untellable
            for _event, candidates in pending if ends else ():
                candidates.discard(mfn)
            pages.remove(mfn)
            return mfn
        for number, (_event, candidates) in enumerate(pending):
            for mfn in pages:
                if mfn in candidates:
                    pages.remove(mfn)
                    self._resolve(pending, number, mfn)
                    return mfn
        raise Untellable

    @staticmethod
    def _resolve(pending: list[tuple[dict[str, Any], set[int]]], number: int, mfn: int | None) -> None:
        """That mark is on this page; no other is."""
        if mfn is None:
            raise Untellable
        event, _candidates = pending.pop(number)
        event["mfn"] = mfn
        for _event, candidates in pending:
            candidates.discard(mfn)
