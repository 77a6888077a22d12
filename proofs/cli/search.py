"""``claimcheck search``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.options import generation_option, json_option, mistake_option
from proofs.cli.output import say, write_text
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.search.events import Trace
    from proofs.search.minimise import SearchRequest, SearchResult
    from proofs.search.replayed import ReferenceReplay

    Searched = tuple[str, SearchResult, ReferenceReplay | None]


@click.command(
    short_help="a shortest trace from boot that violates a property",
    epilog="""\b
Examples:
  claimcheck search --property entitlement-without-limbo
  claimcheck search --property entitlement-without-limbo --assume limit-not-lowered
  claimcheck search --property redeemed-once --mistake redeem-without-step-3
  claimcheck search --property superpage-fulfilled --out broken.claims
  claimcheck search --property host-backed --json | claimcheck explain -
  claimcheck search --generation legacy-2013 --property host-backed""",
)
@generation_option(default="claim-sets", show_default=True)
@click.option("--property", "properties", multiple=True, required=True, help="Property to violate; several, or `all`.")
@mistake_option("the rules")
@click.option("--assume", multiple=True, metavar="CONDITION", help="A condition that every caller keeps; several.")
@click.option(
    "--depth", type=click.IntRange(min=0), help="Events at most.  [default: 6; 4 where the reference is searched]"
)
@click.option("--nodes", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--domains", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--rlimit", type=click.IntRange(min=0), default=0, show_default=True, help="Work per question; 0: no limit."
)
@click.option("--out", metavar="FILE", help="Write the trace as a script, for `claimcheck run`.")
@json_option("Print the result as JSON; `claimcheck explain -` reads it.")
@click.pass_context
def search(
    ctx: click.Context,
    semantics: str,
    properties: tuple[str, ...],
    mistake: str,
    assume: tuple[str, ...],
    depth: int | None,
    nodes: int,
    domains: int,
    seed: int,
    rlimit: int,
    out: str | None,
    as_json: bool,
) -> None:
    """Find a shortest trace from boot after which a property does not hold: by events, then domains, nodes, pages.

    A trace found on unchanged rules is replayed on the reference, every counter compared. What is not in the model
    (superpages, which need the heap, and lock-order) is searched on the reference itself, breadth first, on hosts of at
    most 3 pages.
    """
    from model.properties.conditions import CONDITIONS
    from proofs.cli.mistakes import mistake_named
    from proofs.cli.names import known, known_semantics
    from proofs.cli.properties import known_properties
    from proofs.matrix.other_rows import matrix_parts
    from proofs.mistakes.in_rules import IN_MODEL
    from proofs.search.fulfilled import ON_REFERENCE
    from proofs.search.minimise import InterruptedSearch, SearchRequest

    known_semantics([semantics])
    wanted = known_properties(properties, [*matrix_parts(), *ON_REFERENCE])
    if out is not None and len(wanted) > 1:
        raise click.UsageError("--out needs one property")
    mistake = mistake_named(mistake, IN_MODEL)
    known("condition", assume, list(CONDITIONS))
    request = SearchRequest(semantics, "", mistake, assume, 6 if depth is None else depth, nodes, domains, seed, rlimit)
    on_reference = 4 if depth is None else depth
    searches: list[Searched] = []
    is_interrupted = False
    for name in wanted:
        what = name.part or name.id
        nothing = _says_nothing(what, semantics)
        if nothing:
            say(f"{what}: not applicable to {semantics}: {nothing}", err=as_json)
            continue
        assumed = tuple(dict.fromkeys([*assume, *(name.conditions or ())]))
        try:
            for one in _searched(replace(request, property=what, assumed=assumed), on_reference):
                searches.append(one)
                if not as_json:
                    _print(*one, nodes, domains)
        except KeyboardInterrupt as ctrl_c:
            reached = ctrl_c.searched_depth if isinstance(ctrl_c, InterruptedSearch) else -1
            none = f": no trace of at most {reached} events violates it" if reached >= 0 else ""
            say(f"claimcheck: interrupted in the search for {what}{none}", err=True)
            is_interrupted = True
            break
    if as_json:
        _print_json(searches)
    if out is not None:
        _write(searches, out)
    if any(found.trace is not None for _, found, _ in searches):
        ctx.exit(REFUTED)
    ctx.exit(INCOMPLETE if is_interrupted or any(found.unknown or found.untold for _, found, _ in searches) else OK)


def _says_nothing(what: str, semantics: str) -> str:
    """Why nothing of the property can be searched for in this generation; empty if something can."""
    from model.named import GENERATIONS
    from proofs.matrix.other_rows import OTHER_ROWS
    from proofs.matrix.rows import says_nothing
    from proofs.search.steps import parts_of

    rules = GENERATIONS[semantics]
    reasons = [says_nothing(part, rules) for part in parts_of(what)]
    reasons += [row.says_nothing(rules) for row in OTHER_ROWS.values() if what in (row.part, row.id)]
    return "" if "" in reasons else "; ".join(dict.fromkeys(reasons))


def _searched(request: SearchRequest, on_reference: int) -> Iterator[Searched]:
    """The search for a property or a part of one: in the model, or else on the reference.

    :param on_reference: the depth of searches on the reference
    :raises click.UsageError: it is searched on the reference, which has neither mistakes nor conditions
    """
    from model.properties import PROPERTIES
    from proofs.search.minimise import search as run

    what, semantics = request.property, request.semantics
    id = what.partition(".")[0]
    changed = bool(request.mutation or request.assumed)
    if id in ("legacy-compatible", "lock-order"):
        if changed:
            raise click.UsageError(f"{what} is searched on the reference: no --mistake, no --assume")
        yield from _of_row(request, on_reference)
    elif any(what in (part.id, part.name) for part in PROPERTIES.values()):
        found = run(request)
        yield what, found, None if request.mutation else _replayed(found)
    elif changed:
        raise click.UsageError(f"{what} of {semantics} is searched on the reference: no --mistake, no --assume")
    else:
        yield from _on_reference(request, on_reference)


def _of_row(request: SearchRequest, on_reference: int) -> Iterator[Searched]:
    """Two calls that differ, or a lock passed over: each part that says something about the generation."""
    import time

    from model.named import GENERATIONS
    from model.properties import PROPERTIES
    from proofs.matrix import lock_order
    from proofs.obligations.suite import lacking
    from proofs.refinement.judge import SEARCHED, shortest_difference
    from proofs.search.minimise import SearchResult

    semantics, prop = request.semantics, request.property
    for part in [part for part in SEARCHED if prop in (part, part.partition(".")[0])] or [prop]:
        started = time.perf_counter()
        nothing = lacking(PROPERTIES[part], GENERATIONS[semantics]) if part in PROPERTIES else ""
        if nothing:
            say(f"{part}: not applicable to {semantics}: {nothing}", err=True)
            continue
        if part == lock_order.NAME:
            most, how = on_reference, "on the reference, breadth first, at most 2 pages in all, 1 domain"
            trace, reason = lock_order.search(semantics, most), ""
        else:
            most, how = request.depth, "in the model, and done on the reference"
            trace, reason = shortest_difference(part, semantics, (), most, request.nodes, request.domains)
        yield part, SearchResult(trace, most, time.perf_counter() - started, reason, how), None


def _on_reference(request: SearchRequest, depth: int) -> Iterator[Searched]:
    """Each part by itself: they have smallest traces of their own."""
    from proofs.search.fulfilled import parts_on_reference
    from proofs.search.on_reference import ReferenceSearchRequest, search_reference

    for part in parts_on_reference(request.property):
        hosts = ReferenceSearchRequest(request.semantics, part, depth, request.nodes, request.domains)
        yield part, search_reference(hosts), None


def _replayed(found: SearchResult) -> ReferenceReplay | None:
    """What the reference does with the trace: the reference has no mistakes to be put in."""
    if found.trace is None:
        return None
    from proofs.search.replayed import replay_on_reference

    return replay_on_reference(found.trace)


def _print_json(searches: list[Searched]) -> None:
    from dataclasses import asdict

    from proofs.cli.output import print_json
    from proofs.prover.verdict import versions

    content: dict[str, Any] = {"versions": versions(), "searches": []}
    for prop, found, replayed in searches:
        entry = {"property": prop, **asdict(found), "replayed": None if replayed is None else asdict(replayed)}
        if found.trace is not None:
            entry["script"] = _script(prop, found.trace).splitlines()
        content["searches"].append(entry)
    print_json(content)


def _print(prop: str, found: SearchResult, replayed: ReferenceReplay | None, nodes: int, domains: int) -> None:
    if found.unknown:
        say(f"{prop}: unknown: the solver gave up after {found.searched_depth} events ({found.unknown})")
        return
    if found.untold:
        say(
            f"{prop}: {found.untold} events may be enough, with memory_exchange or pages marked offline: the model does"
            " not know which page that is, and cannot write the trace"
        )
    if found.any_length:
        say(
            f"{prop}: no trace of any length on at most {nodes} nodes and {domains} domains violates it:"
            f" no step of single pages does ({found.seconds:.2f} s). For larger hosts see `claimcheck prove`."
        )
        return
    if found.trace is None:
        say(
            f"{prop}: no trace of at most {found.searched_depth} events on at most {nodes} nodes and {domains} domains"
            f"{f' ({found.how})' if found.how else ''} violates it ({found.seconds:.2f} s)."
            " That is no proof for longer ones: see `claimcheck prove`."
        )
        return
    show_trace(found.trace)
    how = f"; found {found.how}" if found.how else ""
    say(f"{prop}: refuted in {len(found.trace.events)} events, {found.seconds:.2f} s{how}")
    if replayed is None:
        return
    if not replayed.available:
        say("not replayed: the reference does not have this semantics")
    elif replayed.difference:
        say(f"the reference does not reproduce it: {replayed.difference}")
    else:
        say(f"the reference does the same: {replayed.events} events, every counter equal")
        for violation in replayed.violations:
            say(f"  its checker: {violation}")


def show_trace(trace: Trace) -> None:
    """The events as lines of a script, the counters each changed, and the violated inequality."""
    import msgspec

    from proofs.script.plain import host_line, plain_lines
    from proofs.traces.events import HostShape

    click.echo(f"generation {trace.semantics}")
    click.echo(host_line(msgspec.convert(trace.host, HostShape)))
    for number, line in enumerate(plain_lines(trace.events, len(trace.host["nodes"]))):
        before, after = trace.states[number], trace.states[number + 1]
        say(line)
        for name, value in after.items():
            if value != before.get(name) and not name.startswith(("ledger_", "global_installed", "global_re")):
                say(f"       {name}: {f'{before[name]} -> ' if name in before else ''}{value}")
    for broken in trace.broken:
        say(f"violated: {broken}")


def _write(searches: list[Searched], out: str) -> None:
    """Write the trace that was found as a script."""
    for prop, found, _ in searches:
        if found.trace is not None:
            write_text(_script(prop, found.trace), out)
            say(f"{out}: {len(found.trace.events)} operations", err=True)


def _script(prop: str, trace: Trace) -> str:
    """The trace as a script: with what the reference finds violated, unless the rules had a mistake."""
    import msgspec

    from proofs.script.plain import plain_script, read_events
    from proofs.script.writing import script_of
    from proofs.traces.events import FORMAT_2, Header, HostShape

    source = f"claimcheck search: violates {prop}"
    if trace.mutation:
        return plain_script(trace.semantics, trace.host, trace.events, f"{source}, with the mistake {trace.mutation}")
    shape = msgspec.convert(trace.host, HostShape)
    return script_of(Header(FORMAT_2, trace.semantics, source, shape), read_events(trace.events))


if __name__ == "__main__":
    try:
        raise SystemExit(search.main(standalone_mode=False))
    except click.ClickException as error:
        say(f"claimcheck: {error.format_message()}", err=True)
        raise SystemExit(BAD_INPUT) from None
