"""How proof, search and fuzz grow with nodes, domains and depth: `python -m bench.scale --minutes 10`.

Writes bench/scale.json, from which docs/scale.md and its pictures are made. Each series is measured in one process,
as many at a time as there are processors. Each gets the same share of their time, and continues with larger sizes until
the next would, by its own growth so far, not fit in what is left of its share.
"""

import argparse
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import z3

STORED = Path("bench/scale.json")
HOUR = 3600.0
INTERRUPTED = "interrupted"


@dataclass
class Series:
    """One curve: sizes, and what was measured at each."""

    name: str
    x_name: str
    y_name: str
    points: list[tuple[float, float]] = field(default_factory=list)
    ended: str = ""
    """Why it goes no further."""


@dataclass(frozen=True)
class Fit:
    """A law through the points: a * b^x (exponential), or a * x^b (power)."""

    law: str
    a: float
    b: float
    residual: float
    """Root mean square of the differences of logarithms."""

    def at(self, x: float) -> float:
        """Its value."""
        return float(self.a * (self.b**x if self.law == "exponential" else x**self.b))

    def reaches(self, y: float) -> float:
        """Where it has a value; where it does not grow, nowhere."""
        if self.law == "exponential":
            return math.inf if self.b <= 1 else math.log(y / self.a) / math.log(self.b)
        return math.inf if self.b <= 0 else (y / self.a) ** (1 / self.b)


LAST = 5
"""Points that a law is put through: at small sizes it is the start that counts, and not the growth."""


def fitted(points: list[tuple[float, float]]) -> Fit | None:
    """The law of the two with the smaller residual through the last points; none through fewer than three."""
    points = points[-LAST:]
    if len(points) < 3:
        return None
    return min((_line(points, law) for law in ("exponential", "power")), key=lambda fit: fit.residual)


def _line(points: list[tuple[float, float]], law: str) -> Fit:
    xs = [x if law == "exponential" else math.log(x) for x, _ in points]
    ys = [math.log(max(y, 1e-9)) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mx) ** 2 for x in xs)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / spread
    start = my - slope * mx
    residual = math.sqrt(sum((start + slope * x - y) ** 2 for x, y in zip(xs, ys, strict=True)) / len(xs))
    return Fit(law, math.exp(start), math.exp(slope) if law == "exponential" else slope, residual)


class PointTimeoutError(Exception):
    """The time for a point was over before it was measured."""


Sizes = Iterator[tuple[float, Callable[[float], float]]]
"""Ascending: a size, and what measures it within so many seconds."""


def _checked(solver: z3.Solver, limit: float, *assumptions: z3.BoolRef) -> None:
    solver.set("timeout", max(1, int(limit * 1000)))
    if solver.check(*assumptions) == z3.unknown:
        raise PointTimeoutError


def proofs() -> Sizes:
    """All obligations of `host-backed`, on one bounded host."""
    from proofs.obligations.obligation import bounded
    from proofs.obligations.problem import problem
    from proofs.obligations.suite import selected, suite
    from proofs.prover.solve import plain
    from proofs.prover.verdict import Settings

    def measured(nodes: int, domains: int, limit: float) -> float:
        started = time.process_time()
        for obligation in selected(suite(["claim-sets"], ["host-backed"], [bounded(nodes, domains)]), []):
            solver = plain(problem(obligation), Settings())
            left = limit - (time.process_time() - started)
            if left <= 0:
                raise PointTimeoutError
            _checked(solver, left)
        return time.process_time() - started

    for exponent in range(1, 12):
        nodes, domains = 2 ** ((exponent + 1) // 2), 2 ** (exponent // 2)
        yield nodes * domains, partial(measured, nodes, domains)


def _unrolled(nodes: int, domains: int, depth: int, limit: float) -> float:
    """No trace of that many steps breaks host-backed: from boot, without induction."""
    from model.properties import PROPERTIES
    from proofs.search.unroll import Unrolling

    started = time.process_time()
    host = Unrolling("claim-sets", "", [PROPERTIES["host-backed"]], (), nodes, domains)
    for _ in range(depth):
        host.grow()
    _checked(host.solver, limit, host.broken())
    return time.process_time() - started


def depths() -> Sizes:
    """Bounded model checking by depth, on one node with two domains."""
    for depth in range(1, 40):
        yield depth, partial(_unrolled, 1, 2, depth)


def sizes() -> Sizes:
    """Bounded model checking by the size of the host, two steps deep."""
    for nodes, domains in ((1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8), (16, 8), (16, 16), (32, 16)):
        yield nodes * domains, partial(_unrolled, nodes, domains, 2)


def on_reference() -> Sizes:
    """Every interleaving on tiny hosts of the reference, by depth."""
    from proofs.search.on_reference import ReferenceSearchRequest, search_reference

    def measured(depth: int, _limit: float) -> float:
        started = time.process_time()
        found = search_reference(ReferenceSearchRequest("claim-sets", "node-backed", depth))
        if found.trace is not None:
            raise AssertionError("claim sets keep node-backed")
        return time.process_time() - started

    for depth in range(1, 20):
        yield depth, partial(measured, depth)


def _fuzzed(nodes: int, domains: int, limit: float) -> float:
    """Microseconds of a checked step on a host of so many nodes with so many domains at the start."""
    from proofs.fuzz.checker import Checker
    from proofs.fuzz.generators.plan import draw_plan
    from proofs.fuzz.generators.source import Source
    from proofs.fuzz.known import known_of
    from proofs.fuzz.world import RandomWorld
    from proofs.operations import CreateDomain
    from proofs.operations.draw import Draw
    from proofs.traces.events import HostShape
    from reference.generations import GENERATIONS

    known, spent, steps, seed = known_of("claim-sets"), 0.0, 0, 0
    while spent < min(1.0, limit) or not steps:
        draw = Draw(random.Random(seed))
        seed += 1
        checker = Checker(HostShape(64, [64] * nodes), known)
        for domid in range(domains):
            checker.do(CreateDomain(domid=domid, max_pages=64, node_affinity=list(range(nodes))))
        plan = draw_plan(draw, GENERATIONS["claim-sets"], {})
        world = RandomWorld(checker.runner, draw, plan.wild, domids=range(domains))
        source = Source(world, plan)
        before, started = checker.sections, time.process_time()
        while not checker.crashed and (event := source.next()) is not None:
            if checker.do(event) is not None:
                raise AssertionError("the reference and the model differ")
            if checker.outcome is not None:
                world.note(event, checker.outcome)
        if seed > 1:  # in the first trace calls are compiled
            spent += time.process_time() - started
            steps += checker.sections - before
    return spent / steps * 1e6


def fuzz_nodes() -> Sizes:
    """A checked step of fuzz by nodes, with two domains at the start."""
    for nodes in (1, 2, 4, 8, 16, 32, 64):
        yield nodes, partial(_fuzzed, nodes, 2)


def fuzz_domains() -> Sizes:
    """A checked step of fuzz by domains, on four nodes."""
    for domains in (1, 2, 3, 4, 5, 6, 12, 24, 48):  # more are none of a campaign's
        yield domains, partial(_fuzzed, 4, domains)


SERIES: dict[str, tuple[str, str, Callable[[], Sizes]]] = {
    "proof, bounded host": ("nodes x domains", "seconds", proofs),
    "bounded model checking, by depth": ("steps", "seconds", depths),
    "bounded model checking, by size": ("nodes x domains", "seconds", sizes),
    "search on the reference": ("events", "seconds", on_reference),
    "fuzz, by nodes": ("nodes", "microseconds a step", fuzz_nodes),
    "fuzz, by domains": ("domains", "microseconds a step", fuzz_domains),
}


def measured(name: str, share: float) -> Series:
    """A series, within so many seconds by the clock, or up to Ctrl-C."""
    series = Series(name, *SERIES[name][:2])
    try:
        series.ended = _measured(series, share)
    except KeyboardInterrupt:
        series.ended = INTERRUPTED
    return series


def _measured(series: Series, share: float) -> str:
    """Measure point after point; why there is no further."""
    ends, last = time.monotonic() + share, 0.0
    for x, measure in SERIES[series.name][2]():
        left = ends - time.monotonic()
        if left <= 0 or (series.y_name == "seconds" and _expected(series.points, last) > left):
            return f"the next would not fit in its {share:.0f} s"
        started = time.monotonic()
        try:
            series.points.append((x, measure(left)))
        except PointTimeoutError:
            return f"not decided in what was left of its {share:.0f} s at {x:g} {series.x_name}"
        last = time.monotonic() - started
    return "no larger sizes are tried"


def _expected(points: list[tuple[float, float]], last: float) -> float:
    """How long the next will take, if it grows as the last one did."""
    if len(points) < 2:
        return 0.0
    return last * max(1.0, points[-1][1] / max(points[-2][1], 1e-9))


def main() -> None:
    """Measure, and write."""
    from docs._make.scale import write
    from proofs.evidence.dated import stamp
    from proofs.exit_codes import INCOMPLETE
    from proofs.parallel import default_jobs, in_processes
    from proofs.prover.verdict import versions

    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="in all, by the clock  [default: 10]")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="processes  [default: processors]")
    parser.add_argument("--only", nargs="+", choices=SERIES, default=list(SERIES), help="shown, not written")
    options = parser.parse_args()
    share = options.minutes * 60 * options.jobs / len(options.only)
    load, started = os.getloadavg()[0], time.monotonic()
    found: dict[str, Series] = {}
    for _, series in in_processes(partial(measured, share=share), options.only, options.jobs):
        found[series.name] = series
        print(series, flush=True)
    if len(found) < len(options.only) or any(series.ended == INTERRUPTED for series in found.values()):
        sys.exit(INCOMPLETE)
    if options.only != list(SERIES):
        return
    minutes = round((time.monotonic() - started) / 60, 1)
    about = {"minutes": options.minutes, "jobs": options.jobs, "took": minutes, "load": round(load, 1)}
    content = {**stamp(), "versions": versions(), **about, "series": [asdict(found[name]) for name in SERIES]}
    STORED.write_text(json.dumps(content, indent=1) + "\n")
    write(STORED)


if __name__ == "__main__":
    main()
