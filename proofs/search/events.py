"""A countermodel as a trace: operations with arguments, what each changed, and the sum that breaks."""

from dataclasses import dataclass, field
from typing import Any

import z3

from model.bounded import BoundedHost
from model.logic import Term
from model.properties import Property
from model.state import FIELDS, Shape, State
from model.step import Step, TwoStates
from proofs.search.steps import CREATES, about
from proofs.search.unroll import Unrolled

Counters = dict[str, Any]


@dataclass
class Trace:
    """A trace from boot. `states` are the model's counters: at boot, and after each event."""

    semantics: str
    mutation: str
    property: str
    host: dict[str, Any]
    events: list[dict[str, Any]]
    transitions: list[str]
    states: list[Counters]
    broken: list[str] = field(default_factory=list)


def trace_of(
    semantics: str,
    mutation: str,
    prop: str,
    unrolled: Unrolled,
    model: z3.ModelRef,
    parts: list[Property] | None = None,
) -> Trace:
    """The trace that a countermodel stands for."""
    counted = [_counters(state, unrolled, model) for state in unrolled.states]
    nodes = counted[0]["node_avail_pages"]
    span = 1 << max(max(nodes) - 1, 0).bit_length()
    writer = _Writer(nodes, span)
    states = _while_created(counted, unrolled.created)
    names = [CREATES] * unrolled.created
    for domid in range(unrolled.created):
        writer.write(CREATES, {"domid": domid, "max_pages": counted[1]["max_pages"][domid]})
    for choice, steps in zip(unrolled.choices, unrolled.steps, strict=True):
        name = next(
            n for n, c in zip(unrolled.names, choice, strict=True) if z3.is_true(model.eval(c, model_completion=True))
        )
        names.append(name)
        writer.write(name, _arguments(steps[name], model))
    writer.end()
    return Trace(
        semantics,
        mutation,
        prop,
        {"node_span": span, "nodes": nodes},
        writer.events,
        names,
        states,
        broken_sums(unrolled, model, names, parts),
    )


def _while_created(counted: list[Counters], created: int) -> list[Counters]:
    """The states with those between, in which some of the domains are created: one domain an event."""
    if not created:
        return counted
    between = []
    for so_far in range(1, created):
        boot, last = counted[:2]
        mixed = {name: last[name][:so_far] + boot[name][so_far:] for name in ("is_created", "max_pages")}
        between.append(boot | mixed)
    return [counted[0], *between, *counted[1:]]


def _int(model: z3.ModelRef, term: Term) -> int:
    return term if isinstance(term, int) else int(model.eval(term, model_completion=True).as_long())


def _value(model: z3.ModelRef, term: Term) -> Any:
    if isinstance(term, (bool, int)):
        return term
    found = model.eval(term, model_completion=True)
    return z3.is_true(found) if z3.is_bool(found) else found.as_long()


def _counters(state: State, unrolled: Unrolled, model: z3.ModelRef) -> Counters:
    nodes, domains = range(unrolled.nodes), range(unrolled.domains)
    found: Counters = {}
    for info in FIELDS.values():
        value = getattr(state, info.name)
        if info.shape is Shape.HOST:
            found[info.name] = _value(model, value)
        elif info.shape is Shape.CELL:
            found[info.name] = [[_value(model, value[d, n]) for n in nodes] for d in domains]
        else:
            indices = nodes if info.shape is Shape.NODE else domains
            found[info.name] = [_value(model, value[i]) for i in indices]
    return found


def _arguments(step: Step, model: z3.ModelRef) -> dict[str, Any]:
    found = {}
    for name, value in step.arguments.items():
        if hasattr(value, "entries"):
            found[name] = [_value(model, entry) for entry in value.entries]
        else:
            found[name] = _value(model, value)
    return found


def broken_sums(
    unrolled: Unrolled, model: z3.ModelRef, names: list[str], parts: list[Property] | None = None
) -> list[str]:
    """The innermost statements that are false, each with its numbers."""
    host, found = BoundedHost(unrolled.nodes, unrolled.domains), []
    for part in unrolled.parts if parts is None else parts:
        about_state = part.about_state(unrolled.semantics.rules)
        if about_state is not None:
            formula = about_state(host, unrolled.states[-1])
        elif part.of_step is not None and names and about(part, names[-1]):
            two = TwoStates(unrolled.steps[-1][names[-1]], unrolled.states[-2], unrolled.states[-1])
            formula = part.of_step(host, two)
        else:
            continue
        if not isinstance(formula, bool):
            found += [f"{part.name}: {text}" for text in _false_parts(model, formula)]
    return found


def _false_parts(model: z3.ModelRef, formula: Term) -> list[str]:
    if z3.is_true(model.eval(formula, model_completion=True)):
        return []
    if z3.is_and(formula):
        return [text for child in formula.children() for text in _false_parts(model, child)]
    if z3.is_or(formula) and formula.num_args():
        return [text for child in formula.children() for text in _false_parts(model, child)][-1:]
    if z3.is_implies(formula):
        return _false_parts(model, formula.arg(1))
    if z3.is_app_of(formula, z3.Z3_OP_ITE):
        chosen = z3.is_true(model.eval(formula.arg(0), model_completion=True))
        return _false_parts(model, formula.arg(1 if chosen else 2))
    if formula.num_args() == 2 and z3.is_int(formula.arg(0)):
        left, right = (model.eval(side, model_completion=True) for side in formula.children())
        relation = formula.decl().name().replace("=", "==") if formula.decl().name() == "=" else formula.decl().name()
        texts = [_text(_resolved(model, side)) for side in formula.children()]
        return [f"{texts[0]} {relation} {texts[1]}  is  {left} {relation} {right}"]
    return [_text(formula)]


def _resolved(model: z3.ModelRef, formula: Term) -> Term:
    """The formula with every choice made as the model makes it."""
    if z3.is_app_of(formula, z3.Z3_OP_ITE):
        chosen = z3.is_true(model.eval(formula.arg(0), model_completion=True))
        return _resolved(model, formula.arg(1 if chosen else 2))
    if formula.num_args() == 0:
        return formula
    return formula.decl()(*[_resolved(model, child) for child in formula.children()])


def _text(formula: Term) -> str:
    return " ".join(str(formula).split())


class _Writer:
    """Events in the operations of the trace format; which frames are where is kept here."""

    def __init__(self, nodes: list[int], span: int) -> None:
        self.nodes = len(nodes)
        self.free = {n: [n * span + i for i in range(pages)] for n, pages in enumerate(nodes)}
        self.limbo: dict[tuple[int, int], list[int]] = {}
        self.assigned: dict[tuple[int, int], list[int]] = {}
        self.anonymous: dict[int, list[int]] = {}
        self.offlined: dict[int, list[int]] = {}
        self.transit: dict[int, list[tuple[int, str]]] = {}
        self.calls: dict[int, list[dict[str, Any]]] = {}
        self.builders = 0
        self.killing: list[str] = []
        self.events: list[dict[str, Any]] = []

    def _builder(self) -> str:
        self.builders += 1
        return f"builder-{self.builders}"

    def write(self, name: str, a: dict[str, Any]) -> None:
        """The event of one step."""
        getattr(self, f"_{name}")(a)

    def end(self) -> None:
        """A legacy call that never got into its lock asks for a page: the trace ends before it does."""
        for calls in self.calls.values():
            for event in calls:
                event.setdefault("nr_extents", 1)

    def _create_domain(self, a: dict[str, Any]) -> None:
        affinity = list(range(self.nodes))
        self.events.append(
            {"op": "create_domain", "domid": a["domid"], "max_pages": a["max_pages"], "node_affinity": affinity}
        )

    def _set_max_pages(self, a: dict[str, Any]) -> None:
        self.events.append({"op": "set_max_pages", "domid": a["domid"], "max_pages": a["max_pages"]})

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

    def _crash(self) -> None:
        """The last event: the host stops in it."""
        del self.events[-1]["result" if "result" in self.events[-1] else "on_node"]
        self.events[-1].pop("mfn", None)
        self.events[-1]["crash"] = "BUG_ON: claims > avail_pages"

    def _claim_pages_check(self, a: dict[str, Any]) -> None:
        event = {"op": "claim_pages", "domid": a["domid"], "builder": self._builder()}
        self.calls.setdefault(a["domid"], []).append(event)
        self.events.append(event)

    def _set_outstanding_pages(self, a: dict[str, Any]) -> None:
        if not self.calls.get(a["domid"]):
            self._function(a["domid"], a.get("pages", 0))
            return
        call = self.calls[a["domid"]].pop(0)
        call["nr_extents"] = a.get("pages", 0)
        self.events.append({"op": "continue", "builder": call["builder"], "result": "OK"})

    def _set_outstanding_pages_zero(self, a: dict[str, Any]) -> None:
        self._set_outstanding_pages({"domid": a["domid"]})

    def _allocate(self, a: dict[str, Any], domid: int | None, flags: list[str]) -> int:
        node, mfn = a["node"], self.free[a["node"]][0]
        exact = ["exact_node"] if a["exact_node"] else []
        named = None if a["anywhere"] else a["requested_node"]
        event = {"op": "alloc_heap_pages", "domid": domid, "order": 0, "node": named, "memflags": [*exact, *flags]}
        self.events.append({**event, "mfn": mfn, "on_node": node})
        return mfn

    def _alloc_heap_pages(self, a: dict[str, Any]) -> None:
        self.limbo.setdefault((a["domid"], a["node"]), []).append(self._allocate(a, a["domid"], []))
        self.free[a["node"]].pop(0)

    def _alloc_heap_pages_unowned(self, a: dict[str, Any]) -> None:
        flags = ["no_owner"] if "domid" in a else []
        self.anonymous.setdefault(a["node"], []).append(self._allocate(a, a.get("domid"), flags))
        self.free[a["node"]].pop(0)

    def _allocation_crashes(self, a: dict[str, Any]) -> None:
        self.events.append({"op": "alloc_heap_pages", "domid": a["domid"], "order": 0, "node": a["node"]})
        self.events[-1] |= {"memflags": ["exact_node"], "on_node": a["node"]}
        self._crash()

    def _assign(self, a: dict[str, Any], accepted: bool) -> int:
        mfn = self.limbo[a["domid"], a["node"]].pop(0)
        event = {"op": "assign_pages", "mfn": mfn, "order": 0, "domid": a["domid"]}
        self.events.append(event | ({"result": "OK"} if accepted else {}))
        return mfn

    def _assign_pages(self, a: dict[str, Any]) -> None:
        self.assigned.setdefault((a["domid"], a["node"]), []).append(self._assign(a, True))

    def _assign_pages_refused(self, a: dict[str, Any]) -> None:
        self.transit.setdefault(a["node"], []).append((self._assign(a, False), ""))

    def _free_domheap_pages(self, a: dict[str, Any]) -> None:
        mfn, builder = self.assigned[a["domid"], a["node"]].pop(0), self._builder()
        self.transit.setdefault(a["node"], []).append((mfn, builder))
        self.events.append({"op": "free_domheap_pages", "mfn": mfn, "order": 0, "builder": builder})

    def _free_heap_pages(self, a: dict[str, Any]) -> None:
        mfn, builder = self.transit[a["node"]].pop(0)
        self.free[a["node"]].append(mfn)
        if builder:
            self.events.append({"op": "continue", "builder": builder})
        else:
            self.events.append({"op": "free_heap_pages", "mfn": mfn, "order": 0})

    def _free_anonymous_pages(self, a: dict[str, Any]) -> None:
        mfn, builder = self.anonymous[a["node"]].pop(0), self._builder()
        self.transit.setdefault(a["node"], []).append((mfn, builder))
        self.events.append({"op": "free_domheap_pages", "mfn": mfn, "order": 0, "builder": builder})

    def _offline_page(self, a: dict[str, Any]) -> None:
        mfn = self.free[a["node"]].pop()
        self.offlined.setdefault(a["node"], []).append(mfn)
        self.events.append({"op": "offline_page", "mfn": mfn, "result": "OFFLINED"})

    def _online_page(self, a: dict[str, Any]) -> None:
        mfn = self.offlined[a["node"]].pop()
        self.free[a["node"]].append(mfn)
        self.events.append({"op": "online_page", "mfn": mfn})

    def _domain_kill(self, a: dict[str, Any]) -> None:
        self.killing.append(self._builder())
        self.events.append({"op": "domain_kill", "domid": a["domid"], "builder": self.killing[-1]})

    def _domain_kill_release(self, _a: dict[str, Any]) -> None:
        self.events.append({"op": "continue", "builder": self.killing.pop(), "result": "OK"})
