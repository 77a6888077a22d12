"""``claimcheck serve``."""

from __future__ import annotations

import click

from proofs.cli.options import RenamedOption, json_option, mistake_option


@click.command(
    short_help="the reference as an outside implementation, on standard input and output",
    epilog="""\b
Examples:
  claimcheck replay --against 'claimcheck serve' tests/data/conformance/claim-sets.jsonl.gz
  claimcheck replay --against 'claimcheck serve --mistake no-recall' tests/data/conformance/claim-sets.jsonl.gz
  claimcheck serve --list-mistakes""",
)
@mistake_option("the reference")
@click.option(
    "--list-mistakes", cls=RenamedOption, former=("--list-bugs",), is_flag=True, help="List the mistakes, and end."
)
@json_option("List them as JSON.")
def serve(mistake: str, list_mistakes: bool, as_json: bool) -> None:
    """Answer operations with what the reference does, one JSON object a line: see docs/adapters.md.

    Every generation is there. With --mistake one known mistake is made, in the generations that it fits.
    """
    from contextlib import nullcontext

    from proofs.adapters.server import Server
    from proofs.adapters.server import serve as answer_lines
    from proofs.cli.mistakes import mistake_named
    from proofs.mistakes.catalogue import CATALOGUE, OF_REFERENCE
    from proofs.mistakes.planted import planted
    from proofs.versions import versions
    from reference.generations import GENERATIONS

    if list_mistakes:
        _list(as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --list-mistakes: what is served is JSON anyway")
    name = f"claimcheck serve {versions()['claimcheck']}"
    made = mistake_named(mistake, OF_REFERENCE)
    fits = CATALOGUE[made].generations if made else list(GENERATIONS)
    with planted(made) if made else nullcontext():
        served = {fit: GENERATIONS[fit] for fit in fits}
        answer_lines(Server(f"{name} with {made}" if made else name, served), 0, 1)


def _list(as_json: bool) -> None:
    from proofs.cli.output import print_json, say
    from proofs.mistakes.catalogue import CATALOGUE, OF_REFERENCE

    rows = [(name, CATALOGUE[name].sentence, CATALOGUE[name].generations) for name in OF_REFERENCE]
    if as_json:
        print_json([{"mistake": name, "sentence": sentence, "generations": fits} for name, sentence, fits in rows])
        return
    for name, sentence, fits in rows:
        click.echo(name)
        say(f"    {sentence} In {', '.join(fits)}.")
