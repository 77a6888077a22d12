"""``claimcheck search``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from proofs.cli.renamed import generation_option
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.search.events import Trace
    from proofs.search.minimise import Found
    from proofs.search.replayed import Replayed

    Searched = tuple[str, Found, Replayed | None]


@click.command(
    short_help="a shortest trace from boot that breaks a property",
    epilog="""\b
Examples:
  claimcheck search --property entitlement-without-limbo
  claimcheck search --property entitlement-without-limbo --assume limit-not-lowered
  claimcheck search --property redeemed-once --mistake redeem-without-step-3
  claimcheck search --property superpage-fulfilled
  claimcheck search --generation legacy-2013 --property host-backed""",
)
@generation_option(default="claim-sets", show_default=True)
@click.option("--property", "properties", multiple=True, required=True, help="What to break; several, or `all`.")
@click.option("--mistake", default="", metavar="NAME", help="With a deliberate mistake in the rules.")
@click.option("--mutate", default="", hidden=True)
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
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def search(
    ctx: click.Context,
    semantics: str,
    properties: tuple[str, ...],
    mistake: str,
    mutate: str,
    assume: tuple[str, ...],
    depth: int | None,
    nodes: int,
    domains: int,
    seed: int,
    rlimit: int,
    as_json: bool,
) -> None:
    """Find a shortest trace from boot after which a property does not hold: by events, then domains, nodes, pages.

    A trace found on unchanged rules is replayed on the reference, every counter compared. What is not in the model
    (superpages, which need the heap, and semantics without a model) is searched on the reference itself, breadth first,
    on hosts of at most 3 pages.
    """
    from model.properties.conditions import CONDITIONS
    from proofs.cli.mistakes import mistake_named
    from proofs.cli.names import known, known_semantics
    from proofs.mistakes.in_rules import RULES
    from proofs.obligations.suite import property_ids

    known_semantics([semantics])
    modelled = property_ids()
    ids = known("property", properties, list(dict.fromkeys([*modelled, *_ids_on_reference()])), all_means=True)
    mistake = mistake_named(mistake, mutate, RULES)
    known("condition", assume, list(CONDITIONS))
    searches: list[Searched] = []
    for prop in ids:
        if prop in ("legacy-compatible", "lock-order"):
            if mistake or assume:
                raise click.UsageError(f"{prop} is shown on the reference: no --mistake, no --assume")
            found = list(_of_row(semantics, prop, depth, nodes, domains))
        elif prop in modelled:
            found = [_on_model(semantics, prop, mistake, assume, depth, nodes, domains, seed, rlimit)]
        elif mistake or assume:
            raise click.UsageError(f"{prop} of {semantics} is searched on the reference: no --mistake, no --assume")
        else:
            found = list(_on_reference(semantics, prop, depth, nodes, domains))
        searches += found
        for one in [] if as_json else found:
            _print(*one, nodes, domains)
    if as_json:
        _print_json(searches)
    if any(found.trace is not None for _, found, _ in searches):
        ctx.exit(REFUTED)
    ctx.exit(INCOMPLETE if any(found.unknown or found.untold for _, found, _ in searches) else OK)


def _ids_on_reference() -> list[str]:
    from proofs.search.fulfilled import ON_REFERENCE

    return list(dict.fromkeys(name.partition(".")[0] for name in ON_REFERENCE))


def _on_model(
    semantics: str,
    prop: str,
    mistake: str,
    assume: tuple[str, ...],
    depth: int | None,
    nodes: int,
    domains: int,
    seed: int,
    rlimit: int,
) -> Searched:
    from proofs.search.minimise import Asked
    from proofs.search.minimise import search as run

    found = run(Asked(semantics, prop, mistake, assume, 6 if depth is None else depth, nodes, domains, seed, rlimit))
    return prop, found, None if mistake else _replayed(found)


def _of_row(semantics: str, prop: str, depth: int | None, nodes: int, domains: int) -> Iterator[Searched]:
    """Two calls that differ, or a lock passed over: each part that says something about the generation."""
    import time

    from model.named import GENERATIONS
    from model.properties import PROPERTIES
    from proofs.matrix import lock_order
    from proofs.obligations.suite import lacking
    from proofs.refinement.judge import SEARCHED, shortest_difference
    from proofs.search.minimise import Found

    for part in SEARCHED if prop == "legacy-compatible" else (prop,):
        started = time.perf_counter()
        nothing = lacking(PROPERTIES[part], GENERATIONS[semantics]) if part in PROPERTIES else ""
        if nothing:
            click.echo(f"{part} says nothing about {semantics}: {nothing}", err=True)
            continue
        if part == lock_order.NAME:
            most, how = (
                4 if depth is None else depth,
                "on the reference, breadth first, at most 2 pages in all, 1 domain",
            )
            trace, reason = lock_order.search(semantics, most), ""
        else:
            most, how = 6 if depth is None else depth, "in the model, and done on the reference"
            trace, reason = shortest_difference(part, semantics, (), most, nodes, domains)
        yield part, Found(trace, most, time.perf_counter() - started, reason, how), None


def _on_reference(semantics: str, prop: str, depth: int | None, nodes: int, domains: int) -> Iterator[Searched]:
    """Each part by itself: they have smallest traces of their own."""
    from proofs.search.fulfilled import parts_on_reference
    from proofs.search.on_reference import Tiny, search_reference

    for part in parts_on_reference(prop):
        yield part, search_reference(Tiny(semantics, part, 4 if depth is None else depth, nodes, domains)), None


def _replayed(found: Found) -> Replayed | None:
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
        content["searches"].append(entry)
    print_json(content)


def _print(prop: str, found: Found, replayed: Replayed | None, nodes: int, domains: int) -> None:
    if found.unknown:
        click.echo(f"{prop}: unknown: gave up behind {found.searched_depth} events ({found.unknown})")
        return
    if found.untold:
        click.echo(
            f"{prop}: {found.untold} events may do it, too: with memory_exchange or pages marked offline, of which the"
            " model does not know the very page"
        )
    if found.any_length:
        click.echo(
            f"{prop}: no trace of any length on at most {nodes} nodes and {domains} domains breaks it:"
            f" no step of single pages does ({found.seconds:.2f} s). For larger hosts see `claimcheck prove`."
        )
        return
    if found.trace is None:
        click.echo(
            f"{prop}: no trace of at most {found.searched_depth} events on at most {nodes} nodes and {domains} domains"
            f"{f' ({found.how})' if found.how else ''} breaks it ({found.seconds:.2f} s)."
            " That is no proof for longer ones: see `claimcheck prove`."
        )
        return
    show_trace(found.trace)
    how = f"; found {found.how}" if found.how else ""
    click.echo(f"{prop}: refuted in {len(found.trace.events)} events, {found.seconds:.2f} s{how}")
    if replayed is None:
        return
    if not replayed.available:
        click.echo("not replayed: the reference does not have this semantics")
    elif replayed.difference:
        click.echo(f"the reference does not reproduce it: {replayed.difference}")
    else:
        click.echo(f"the reference does the same: {replayed.events} events, every counter equal")
        for violation in replayed.violations:
            click.echo(f"  its checker says: {violation}")


def show_trace(trace: Trace) -> None:
    """Events with arguments, the counters each changed, and the broken sum."""
    click.echo(f"boot: nodes of {trace.host['nodes']} pages")
    for number, event in enumerate(trace.events):
        before, after = trace.states[number], trace.states[number + 1]
        shown = {k: v for k, v in event.items() if k != "op"}
        click.echo(f"{number + 1}. {event['op']} " + " ".join(f"{k}={v}" for k, v in shown.items()))
        for name, value in after.items():
            if value != before.get(name) and not name.startswith(("ledger_", "global_installed", "global_re")):
                click.echo(f"       {name}: {f'{before[name]} -> ' if name in before else ''}{value}")
    for broken in trace.broken:
        click.echo(f"broken: {broken}")


if __name__ == "__main__":
    try:
        raise SystemExit(search.main(standalone_mode=False))
    except click.ClickException as error:
        click.echo(f"claimcheck: {error.format_message()}", err=True)
        raise SystemExit(BAD_INPUT) from None
