"""``claimcheck prove``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from proofs.cli.options import generation_option, jobs_option, json_option, mistake_option
from proofs.cli.output import say
from proofs.exit_codes import BAD_INPUT, INCOMPLETE, OK, REFUTED

if TYPE_CHECKING:
    from proofs.cli.cross_check import CrossCheckReport
    from proofs.obligations.names import InapplicableProperty
    from proofs.obligations.obligation import Obligation
    from proofs.prover.vacuity import Vacuity
    from proofs.prover.verdict import Result, Settings


@click.command(
    short_help="discharge obligations: semantics x property x transition",
    epilog="""\b
Examples:
  claimcheck prove
  claimcheck prove --property node-backed --support
  claimcheck prove alloc_heap_pages --hosts 4x4
  claimcheck prove --mistake redeem-without-step-3
  claimcheck prove --generation single-node-v4
  claimcheck prove --property legacy-compatible --generation all
  claimcheck prove --cross-check
  claimcheck prove --derive 2x2 --property node-backed
  claimcheck prove --all""",
)
@click.argument("parts", nargs=-1, metavar="[PART]...")
@generation_option(multiple=True, default=("claim-sets",), show_default=True, help="Or `all`.")
@click.option("--all", "everything", is_flag=True, help="The matrix: every generation of claims, every property.")
@click.option("--property", "properties", multiple=True, help="Property id; several, or `all`.  [default: all]")
@click.option("--hosts", multiple=True, metavar="any|NxD", default=("any",), show_default=True, help="For which hosts.")
@mistake_option("the rules")
@click.option("--support", is_flag=True, help="Find the assumptions that each proof needs (slower).")
@click.option("--vacuity", is_flag=True, help="Also: assumptions satisfiable, each guard and update needed.")
@click.option("--cross-check", is_flag=True, help="Also: every question decided by cvc5 as well (extra `cross-check`).")
@click.option("--derive", multiple=True, metavar="NxD", help="Instead: let Spacer find an invariant, certify it.")
@click.option("--seconds", type=click.IntRange(min=1), default=300, show_default=True, help="Of --derive: for each.")
@jobs_option()
@click.option(
    "--rlimit", type=click.IntRange(min=1), default=400_000_000, show_default=True, help="Work per obligation."
)
@click.option("--memory", type=click.IntRange(min=1), metavar="MiB", help="What each process may take.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--no-cache", is_flag=True, help="Neither read nor write stored results.")
@click.option("--smtlib", metavar="DIR", help="Write each obligation as an SMT-LIB 2 file.")
@click.option("--list", "only_list", is_flag=True, help="Name the obligations, and what each answer means.")
@json_option()
@click.pass_context
def prove(
    ctx: click.Context,
    parts: tuple[str, ...],
    semantics: tuple[str, ...],
    everything: bool,
    properties: tuple[str, ...],
    hosts: tuple[str, ...],
    mistake: str,
    support: bool,
    vacuity: bool,
    cross_check: bool,
    derive: tuple[str, ...],
    seconds: int,
    jobs: int | None,
    rlimit: int,
    memory: int | None,
    seed: int,
    no_cache: bool,
    smtlib: str | None,
    only_list: bool,
    as_json: bool,
) -> None:
    """Prove what the design promises, or refute it.

    Every PART has to be in an obligation's name, which is semantics/property/transition/encoding. A property that is
    promised on conditions is also tried without them; that it is then refuted is as claimed.

    With --all, for other generations than claim-sets, and for what is no formula (superpage-fulfilled, lock-order), the
    answer is a matrix: a verdict for each property, on no assumption but what is proved itself, and a shortest trace
    from boot for what is refuted.
    """
    from proofs.prover.cache import FOLDER, StoredRun, store_run, stored_run
    from proofs.prover.verdict import Settings

    limits = Settings(rlimit=rlimit, seed=seed, cores=False)
    cache = "" if no_cache else FOLDER
    settings = Settings(rlimit=rlimit, seed=seed, cache=cache, cores=support, memory=memory or 0, hashes=as_json)
    request = (parts, semantics, everything, properties, hosts, mistake)
    if not (everything or vacuity or cross_check or derive or smtlib or only_list):
        stored = stored_run(request, settings)
        if stored is not None:
            run, results = stored
            _show(results, run.not_applicable, settings, as_json, len(results), [], None)
            ctx.exit(exit_code(results, False))
    from model.named import GENERATIONS
    from proofs.cli.mistakes import mistake_named
    from proofs.cli.names import known_semantics
    from proofs.cli.properties import known_properties
    from proofs.matrix.other_rows import matrix_parts, other_ids
    from proofs.mistakes.in_rules import IN_MODEL
    from proofs.obligations.suite import not_applicable, selected, suite
    from proofs.parallel import default_jobs

    if cross_check:
        from proofs.cli.cross_check import refuse_without_cvc5

        refuse_without_cvc5()
    names = known_semantics(semantics, all_means=True)
    if everything and ctx.get_parameter_source("semantics") is click.core.ParameterSource.DEFAULT:
        names = list(GENERATIONS)
    wanted = known_properties(properties, matrix_parts())
    ids = list(dict.fromkeys(name.id for name in wanted))
    mutation = mistake_named(mistake, IN_MODEL)
    workers = jobs or default_jobs()
    if derive:
        if parts or everything or hosts != ("any",) or support or vacuity or cross_check or smtlib or only_list:
            taken = "--generation, --property, --mistake, --seconds, --jobs, --rlimit, --seed and --json"
            raise click.UsageError(f"--derive takes only {taken}")
        from proofs.cli.derive import show_derivations

        sizes = [_size(h, "--derive is") for h in derive]
        ctx.exit(show_derivations(names, ids if properties else [], sizes, mutation, limits, seconds, workers, as_json))
    if everything or names != ["claim-sets"] or set(ids if properties else ()) & set(other_ids()):
        if parts or mutation or hosts != ("any",) or support or vacuity or smtlib or only_list:
            raise click.UsageError(
                "a matrix takes only --generation, --property, --cross-check, --jobs, --no-cache and --json"
            )
        from proofs.cli.matrix import show_matrix

        ctx.exit(show_matrix(names, wanted, workers, as_json, not no_cache, cross_check))
    encodings = [_encoding(h) for h in hosts]
    chosen = selected(suite(names, ids, encodings, mutation), list(parts))
    if properties:
        chosen = [o for o in chosen if any(name.covers(o.property, o.conditions, o.claimed) for name in wanted)]
    if not chosen:
        named = [*map(repr, properties), *map(repr, parts)]
        raise click.UsageError(f"no obligation is about {' and '.join(named)}; see --list")
    if only_list:
        _list(chosen, not_applicable(names, ids), as_json)
        ctx.exit(OK)
    if smtlib is not None:
        from proofs.prover.export import export

        export(chosen, smtlib)
    left_out = not_applicable(names, ids)
    store_run(request, settings, StoredRun([o.name for o in chosen], left_out))
    results, interrupted = _run(chosen, settings, workers)
    examined: list[Vacuity] = []
    if vacuity and not interrupted:
        from proofs.prover.vacuity import vacuity as examine

        try:
            examined = [found for name in names for found in examine(name, workers)]
        except KeyboardInterrupt:
            interrupted = True
    crossed = None
    if cross_check and not interrupted:
        crossed = _cross_checked(chosen, results, names, examined, settings, workers)
    _show(results, left_out, settings, as_json, len(chosen), examined, crossed)
    _tell_of_cache(results)
    if interrupted:
        click.echo(f"claimcheck: interrupted after {len(results)} of {len(chosen)} obligations", err=True)
    codes = [exit_code(results, interrupted)]
    if examined:
        from proofs.cli.vacuity import all_have_witnesses

        codes.append(OK if all_have_witnesses(examined) else INCOMPLETE)
    if crossed is not None:
        codes.append(crossed.code())
    ctx.exit(worst(codes))


def _list(chosen: list[Obligation], left_out: list[InapplicableProperty], as_json: bool) -> None:
    """The obligations, and what each answer means."""
    if as_json:
        from dataclasses import asdict

        from proofs.cli.output import print_json

        listed = [
            {"name": o.name, "promised": o.claimed, "proved_means": o.meaning()[0], "refuted_means": o.meaning()[1]}
            for o in chosen
        ]
        print_json({"obligations": listed, "not_applicable": [asdict(n) for n in left_out]})
        return
    for obligation in chosen:
        click.echo(obligation.name)
        say(f"    {obligation.meaning()[0]}")
    say(f"{len(chosen)} obligations; {len(left_out)} are not applicable, see --list --json for the reasons")


def worst(codes: list[int]) -> int:
    """The exit code of several parts: a refutation or disagreement goes before what is not known."""
    return REFUTED if REFUTED in codes else max(codes)


def _tell_of_cache(results: list[Result]) -> None:
    """What went wrong with stored results: it changes no verdict."""
    from proofs.parallel import tell

    unreadable = sum(result.unreadable for result in results)
    if unreadable:
        tell(f"{unreadable} stored results could not be read: they were proved again")
    not_stored = [result.not_stored for result in results if result.not_stored]
    if not_stored:
        tell(f"{len(not_stored)} results are not stored: {not_stored[0]}")


def exit_code(results: list[Result], interrupted: bool) -> int:
    """1 if something promised is refuted; else 3 if anything is unknown; else 0."""
    from proofs.prover.verdict import Verdict

    if any(r.claimed and r.verdict is Verdict.REFUTED for r in results):
        return REFUTED
    if interrupted or any(r.verdict is Verdict.UNKNOWN for r in results):
        return INCOMPLETE
    return OK


def _encoding(hosts: str) -> str:
    from proofs.obligations.obligation import PARAMETRIC, bounded

    if hosts == "any":
        return PARAMETRIC
    return bounded(*_size(hosts, "--hosts is `any` or"))


def _size(hosts: str, what: str) -> tuple[int, int]:
    size = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", hosts)
    if size is None or int(size[1]) > 64:
        raise click.UsageError(f"{what} NODESxDOMAINS as in 4x4 (at most 64 nodes), not {hosts!r}")
    return int(size[1]), int(size[2])


def _run(chosen: list[Obligation], settings: Settings, workers: int) -> tuple[list[Result], bool]:
    from proofs.cli.output import progress_bar
    from proofs.prover.pool import run

    with progress_bar() as progress:
        if progress is None:
            return run(chosen, settings, workers, apart=True)
        task = progress.add_task("proving", total=len(chosen))
        return run(chosen, settings, workers, lambda done: progress.update(task, completed=done), apart=True)


def _cross_checked(
    chosen: list[Obligation],
    results: list[Result],
    names: list[str],
    examined: list[Vacuity],
    settings: Settings,
    workers: int,
) -> CrossCheckReport:
    from proofs.cli.cross_check import checked
    from proofs.prover.cross_check import questions, witnesses
    from proofs.prover.vacuity import examined_obligations

    asked = questions(chosen, results)
    if examined:
        about = [o for name in names for group in examined_obligations(name).values() for o in group]
        asked += witnesses(about, examined)
    return checked(asked, settings, workers)


def _show(
    results: list[Result],
    left_out: list[InapplicableProperty],
    settings: Settings,
    as_json: bool,
    number: int,
    examined: list[Vacuity],
    crossed: CrossCheckReport | None,
) -> None:
    if as_json:
        from dataclasses import asdict

        from proofs.cli.output import print_json
        from proofs.prover.verdict import versions

        print_json(
            {
                "versions": versions(),
                "rlimit": settings.rlimit,
                "seed": settings.seed,
                "asked": number,
                "results": results,
                "not_applicable": [asdict(n) for n in left_out],
                "vacuity": [asdict(v) for v in examined],
                **({"cross_check": crossed.as_data()} if crossed is not None else {}),
            }
        )
        return
    from proofs.cli.proof_results import print_results

    print_results(results, number)
    if examined:
        from proofs.cli.vacuity import show_vacuity

        show_vacuity(examined)
    if crossed is not None:
        crossed.show()


if __name__ == "__main__":
    try:
        raise SystemExit(prove.main(standalone_mode=False))
    except click.ClickException as error:
        click.echo(f"claimcheck: {error.format_message()}", err=True)
        raise SystemExit(BAD_INPUT) from None
