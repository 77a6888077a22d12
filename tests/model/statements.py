"""Statements of everything that properties and transitions are made of, and what plain Python says of each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from model.hosts.bounded import NoLemmas
from model.logic import all_of, any_of, choose, implies, negation

SIZES = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3))
NODE, DOMAIN = ("node_avail_pages", "node_outstanding_claims"), ("tot_pages", "global_claims")
GRID = ("claims", "assigned_pages")
HOST = ("total_avail_pages", "outstanding_claims")


@dataclass(frozen=True)
class Numbers:
    """A host in plain numbers: its state, the arguments of a call, and the state after a step."""

    nodes: int
    domains: int
    seed: int
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        drawn = random.Random(self.seed * 100 + self.nodes * 10 + self.domains)

        def some(count: int) -> list[int]:
            return [drawn.choice((0, 1, 2, 5)) for _ in range(count)]

        for after in ("", "after."):
            self.values.update({after + name: some(self.nodes) for name in NODE})
            self.values.update({after + name: some(self.domains) for name in DOMAIN})
            self.values.update({after + name: [some(self.nodes) for _ in range(self.domains)] for name in GRID})
            self.values.update({after + name: drawn.randrange(3) for name in HOST})
        for after in ("", "after."):  # what no right host has: an encoding that assumes it of all is wrong
            self.values.update({f"{after}total_avail_pages": 1, f"{after}outstanding_claims": 2})
        self.values.update({"node": (self.seed + 1) % self.nodes, "domid": (self.seed + 1) % self.domains})
        self.values.update({"pages": drawn.randrange(2), "flag": bool(drawn.randrange(2))})
        self.values.update({"by_node": some(self.nodes), "by_domain": some(self.domains)})


class PlainVector(list[int]):
    """A list that can be summed."""

    def total(self) -> int:
        return sum(self)


class PlainGrid(list[list[int]]):
    """A list of rows."""

    def __getitem__(self, cell: Any) -> Any:
        return super().__getitem__(cell[0])[cell[1]]

    def row(self, domain: int) -> PlainVector:
        return PlainVector(super().__getitem__(domain))

    def column(self, node: int) -> PlainVector:
        return PlainVector([row[node] for row in self])


class PlainHost(NoLemmas):
    """The same protocols in plain Python, to say what is true."""

    def __init__(self, numbers: Numbers) -> None:
        self.nodes, self.domains = range(numbers.nodes), range(numbers.domains)
        self.dual = self

    def one_node(self) -> bool:
        return len(self.nodes) == 1

    def domain_count(self) -> int:
        return len(self.domains)

    def every_node(self, statement: Callable[[int], bool]) -> bool:
        return all(statement(n) for n in self.nodes)

    def some_node(self, statement: Callable[[int], bool]) -> bool:
        return any(statement(n) for n in self.nodes)

    def every_domain(self, statement: Callable[[int], bool]) -> bool:
        return all(statement(d) for d in self.domains)

    def every_cell(self, statement: Callable[[int, int], bool]) -> bool:
        return all(statement(d, n) for d in self.domains for n in self.nodes)

    def replaced(self, vector: list[int], index: int, value: int) -> PlainVector:
        return PlainVector([*vector[:index], value, *vector[index + 1 :]])

    def combined(self, parts: list[tuple[int, list[int]]], like: list[int]) -> PlainVector:
        return PlainVector([sum(sign * part[i] for sign, part in parts) for i in range(len(like))])

    def taken_ascending(self, held: list[int], amount: int) -> PlainVector:
        taken = PlainVector()
        for pages in held:
            taken.append(min(pages, max(0, amount)))
            amount -= pages
        return taken


@dataclass
class Sides:
    """What statements are made of, on one side: quantifiers, encoding, and what has the numbers."""

    q: Any
    h: Any
    of: dict[str, Any]


Statement = Callable[[Sides], Any]


def statements() -> Iterator[tuple[str, Statement]]:
    """Each with a name; of each kind some true and some false, on most hosts."""
    for k in (0, 1, 5):
        for name in (*NODE, "by_node"):
            yield f"every {name} >= {k}", lambda x, k=k, v=name: x.q.every_node(lambda n: x.of[v][n] >= k)
            yield f"some {name} is {k}", lambda x, k=k, v=name: x.q.some_node(lambda n: x.of[v][n] == k)
            yield (
                f"not every {name} >= {k}",
                lambda x, k=k, v=name: negation(x.q.dual.every_node(lambda n: x.of[v][n] >= k)),
            )
            yield f"no {name} is {k}", lambda x, k=k, v=name: negation(x.q.dual.some_node(lambda n: x.of[v][n] == k))
        for name in (*DOMAIN, "by_domain"):
            yield f"every {name} >= {k}", lambda x, k=k, v=name: x.q.every_domain(lambda d: x.of[v][d] >= k)
        for name in GRID:
            yield f"every {name} >= {k}", lambda x, k=k, v=name: x.q.every_cell(lambda d, n: x.of[v][d, n] >= k)
            yield f"no {name} is {k}", lambda x, k=k, v=name: x.q.every_cell(lambda d, n: negation(x.of[v][d, n] == k))
            yield f"row of {name} is {k}", lambda x, k=k, v=name: x.of[v].row(x.of["domid"]).total() == k
            yield f"column of {name} is {k}", lambda x, k=k, v=name: x.of[v].column(x.of["node"]).total() == k
            yield (
                f"every row of {name} >= {k}",
                lambda x, k=k, v=name: x.q.every_domain(lambda d: x.of[v].row(d).total() >= k),
            )
        for name in (*NODE, *DOMAIN):
            yield f"sum of {name} is {k}", lambda x, k=k, v=name: x.of[v].total() == k
        yield f"pages are {k}", lambda x, k=k: x.of["pages"] == k
        yield f"node is {k}", lambda x, k=k: x.of["node"] == k
        yield f"domain is {k}", lambda x, k=k: x.of["domid"] == k
        yield f"{k} domains", lambda x, k=k: x.q.domain_count() == k
        yield f"entry there is {k}", lambda x, k=k: x.of["node_avail_pages"][x.of["node"]] == k
        yield f"cell there is {k}", lambda x, k=k: x.of["claims"][x.of["domid"], x.of["node"]] == k
        yield f"every node {k} or every other", lambda x, k=k: _either(x, k)
        yield (
            f"some node {k} and some other",
            lambda x, k=k: all_of(
                [
                    x.q.some_node(lambda n, k=k: x.of["node_avail_pages"][n] == k),
                    x.q.some_node(lambda n: _avail(x, n) != k),
                ]
            ),
        )
        yield from _derived(k)
        yield from _with_lemmas(k)
        for name in HOST:
            yield f"{name} is {k}", lambda x, k=k, v=name: x.of[v] == k
            yield f"{name} after is {k}", lambda x, k=k, v=name: x.of[f"after.{v}"] == k
        for name in (*NODE, *DOMAIN):
            yield f"sum of {name} after is {k}", lambda x, k=k, v=name: x.of[f"after.{v}"].total() == k
    yield "one node", lambda x: x.q.one_node()
    yield "several nodes", lambda x: negation(x.q.one_node())
    yield "flag", lambda x: x.of["flag"]
    yield "no flag", lambda x: negation(x.of["flag"])
    yield "backed after", lambda x: x.of["after.outstanding_claims"] <= x.of["after.total_avail_pages"]


def _avail(x: Sides, node: Any) -> Any:
    return x.of["node_avail_pages"][node]


def _either(x: Sides, k: int) -> Any:
    """Two statements about all nodes: each may fail at another node."""
    return any_of([x.q.every_node(lambda n: _avail(x, n) == k), x.q.every_node(lambda n: negation(_avail(x, n) == k))])


def _derived(k: int) -> Iterator[tuple[str, Statement]]:
    a, b = "node_avail_pages", "node_outstanding_claims"
    made: dict[str, Callable[[Sides], Any]] = {
        "replaced": lambda x: x.h.replaced(x.of[a], x.of["node"], k),
        "other replaced": lambda x: x.h.replaced(x.of[b], x.of["node"], k),
        "sum": lambda x: x.h.combined([(1, x.of[a]), (1, x.of[b])], x.of[a]),
        "difference": lambda x: x.h.combined([(1, x.of[a]), (-1, x.of[b])], x.of[a]),
        "other difference": lambda x: x.h.combined([(1, x.of[b]), (-1, x.of[a])], x.of[a]),
        "nothing": lambda x: x.h.combined([], x.of[a]),
        "taken": lambda x: x.h.taken_ascending(x.of[a], k),
        "other taken": lambda x: x.h.taken_ascending(x.of[b], k),
    }
    for name, make in made.items():
        for value in (-1, 1, 2):
            yield f"{name} {k} has {value}", lambda x, m=make, v=value: m(x)[x.of["node"]] == v
            yield f"{name} {k} has the sum {value}", lambda x, m=make, v=value: m(x).total() == v


def _with_lemmas(k: int) -> Iterator[tuple[str, Statement]]:
    """The conclusions of lemmas, pointed at where their premises may be false."""
    a, b, t = "node_avail_pages", "node_outstanding_claims", "tot_pages"

    def pointed(point: Callable[[Sides], object], conclusion: Statement) -> Statement:
        return lambda x: (point(x), conclusion(x))[1]

    def less(x: Sides) -> Any:
        return x.h.combined([(1, x.of[a]), (-1, x.of[b])], x.of[a])

    yield (
        f"ordered sums {k}",
        pointed(lambda x: x.q.sums_ordered(x.of[a], x.of[b]), lambda x: x.of[a].total() <= x.of[b].total()),
    )
    yield (
        f"equal sums {k}",
        pointed(lambda x: x.q.sums_equal(x.of[a], x.of[b]), lambda x: x.of[a].total() == x.of[b].total()),
    )
    yield f"no sum {k}", pointed(lambda x: x.q.positive_somewhere(x.of[a]), lambda x: x.of[a].total() == 0)
    yield (
        f"entry within {k}",
        pointed(
            lambda x: x.q.entry_within_sum(less(x), x.of["node"]), lambda x: less(x)[x.of["node"]] <= less(x).total()
        ),
    )
    yield (
        f"bounded by {k}",
        pointed(lambda x: x.q.sum_bounded(x.of[t], k), lambda x: x.of[t].total() <= k * x.q.domain_count()),
    )
    yield (
        f"none below {k}",
        pointed(
            lambda x: x.q.none_below(x.of[a], x.of["node"]),
            lambda x: x.h.taken_ascending(x.of[a], k)[x.of["node"]] >= choose(_avail(x, x.of["node"]) < k, 0, k),
        ),
    )
    yield (
        f"nothing negative below {k}",
        pointed(
            lambda x: x.q.not_negative_below(less(x), x.of["node"]),
            lambda x: implies(less(x)[x.of["node"]] >= k, x.h.taken_ascending(less(x), k)[x.of["node"]] <= k),
        ),
    )


ALL = tuple(statements())


def plain(numbers: Numbers) -> Sides:
    of = dict(numbers.values)
    for name, value in of.items():
        if isinstance(value, list):
            of[name] = PlainGrid(value) if name.removeprefix("after.") in GRID else PlainVector(value)
    host = PlainHost(numbers)
    return Sides(host, host, of)


def truth(numbers: Numbers) -> dict[str, bool]:
    side = plain(numbers)
    return {name: bool(statement(side)) for name, statement in ALL}
