"""``claimcheck serve``."""

from __future__ import annotations

import click


@click.command(
    short_help="the reference as an outside implementation, on standard input and output",
    epilog="""\b
Examples:
  claimcheck replay --against 'claimcheck serve' tests/data/conformance/claim-sets.jsonl.gz
  claimcheck replay --against 'claimcheck serve --bug no-recall' tests/data/conformance/claim-sets.jsonl.gz
  claimcheck serve --list-bugs""",
)
@click.option("--bug", metavar="NAME", help="Make this known mistake.")
@click.option("--list-bugs", is_flag=True, help="List the mistakes, and end.")
@click.option("--json", "as_json", is_flag=True, help="List them as JSON.")
def serve(bug: str | None, list_bugs: bool, as_json: bool) -> None:
    """Answer operations with what the reference does, one JSON object a line: see docs/adapters.md.

    Every generation is there. With --bug one known mistake is made, in the generations that it fits.
    """
    from proofs.adapters.bugs import BUGS, with_bug
    from proofs.adapters.server import Server
    from proofs.adapters.server import serve as answer_lines
    from proofs.cli.names import known
    from proofs.versions import versions
    from reference.generations import SEMANTICS

    if list_bugs:
        _list(as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --list-bugs: what is served is JSON anyway")
    name = f"claimcheck serve {versions()['claimcheck']}"
    semantics = SEMANTICS
    if bug is not None:
        (bug,) = known("bug", [bug], list(BUGS))
        name, semantics = f"{name} with {bug}", with_bug(bug)
    answer_lines(Server(name, semantics), 0, 1)


def _list(as_json: bool) -> None:
    from proofs.adapters.bugs import BUGS
    from proofs.cli.output import console, print_json, table

    if as_json:
        print_json([{"bug": name, "mistake": bug.sentence(), "semantics": bug.fits()} for name, bug in BUGS.items()])
        return
    shown = table("bug", "mistake", "semantics")
    for name, bug in BUGS.items():
        shown.add_row(name, bug.sentence(), ", ".join(bug.fits()))
    console().print(shown)
