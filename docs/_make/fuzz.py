"""The generated parts of docs/fuzz.md, from a run: `make fuzz`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs._make.blocks import Output, parser, table
from model.named import GENERATIONS
from proofs.fuzz.campaign import Budget, Campaign, Totals
from proofs.fuzz.hunt import Hunt, hunt, hunt_in_reference
from proofs.fuzz.known import known_of
from proofs.fuzz.store import CampaignSettings
from proofs.mistakes.bounds import BOUNDS
from proofs.mistakes.catalogue import CATALOGUE, OVERRIDES
from proofs.parallel import default_jobs, in_processes

DOCUMENT = Path("docs/fuzz.md")
STEPS = 600_000
"""Of a generation, for its coverage: some seconds on a free processor."""
SHOWN = "no-recall"
"""The mistake whose finding is shown."""


def bugs_table(hunts: list[Hunt]) -> str:
    """Each mistake, how far it was to it, and what is left of its trace."""
    body = []
    for one in hunts:
        small = one.found
        shown = ["not found", ""] if small is None else [str(len(small.events)), f"`{small.failure.op}`: {_seen(one)}"]
        body.append([f"`{one.bug}`", CATALOGUE[one.bug].sentence, f"{one.steps:,}", str(one.events_before), *shown])
    return table(
        [
            "mistake",
            "what is wrong",
            "steps until found",
            "events when found",
            "events after shrinking",
            "first difference",
        ],
        body,
    )


def _seen(one: Hunt) -> str:
    assert one.found is not None
    failure = one.found.failure
    return f"`{failure.field}`, {failure.detail}"


def bounds_table(hunts: list[Hunt]) -> str:
    """The same of those that only large hosts show, with the size of the host that is left."""
    body = []
    for one in hunts:
        small = one.found
        shown = ["not found", "", ""]
        if small is not None:
            shown = [
                str(len(small.events)),
                str(len(small.host.nodes)),
                f"`{small.failure.op}`: `{small.failure.field}`",
            ]
        generation = f"`{one.semantics}`"
        body.append([f"`{one.bug}`", CATALOGUE[one.bug].sentence, generation, f"{one.steps:,}", *shown])
    header = [
        "mistake",
        "what is wrong",
        "generation",
        "steps until found",
        "events after shrinking",
        "nodes",
        "first difference",
    ]
    return table(header, body)


def hunted_bounds(jobs: int) -> list[Hunt]:
    """Every mistake that only large hosts show, looked for."""
    found: dict[int, Hunt] = dict(in_processes(hunt_in_reference, list(BOUNDS), jobs))
    return [found[index] for index in range(len(BOUNDS))]


def coverage_table(totals: list[Totals]) -> str:
    """How many outcome classes there are, how many cannot be, and how many came out."""
    body = []
    for total in totals:
        reachable = total.known.reachable()
        reached = len(reachable) - len(total.unreached())
        cannot = len(total.known.classes) - len(reachable)
        broken = ", ".join(f"`{name}`" for name in sorted(total.broken))
        row = [f"`{total.semantics}`", f"{total.steps:,}", f"{reached} of {len(reachable)}", str(cannot), broken]
        body.append([*row, ", ".join(f"`{name}`" for name in total.unreached())])
    header = [
        "generation",
        "steps",
        "classes reached",
        "classes proved unreachable",
        "properties violated (counted, no finding)",
        "classes not reached",
    ]
    return table(header, body)


def covered(jobs: int) -> list[Totals]:
    """A campaign of every generation."""
    totals: list[Totals] = []
    for name in GENERATIONS:
        campaign = Campaign(CampaignSettings([name]), [known_of(name)], Path(tempfile.gettempdir()))
        campaign.run(Budget(steps=STEPS), jobs)
        found = campaign.findings()
        if found:
            raise RuntimeError(str(found[0].found.failure))
        totals += campaign.totals.values()
    return totals


def hunted(jobs: int, bugs: list[str] | None = None) -> list[Hunt]:
    """Every mistake, looked for."""
    names = list(bugs or OVERRIDES)
    found: dict[int, Hunt] = dict(in_processes(partial(hunt, seed=0), names, jobs))
    return [found[index] for index in range(len(names))]


def shown() -> str:
    """What the command prints about a mistake."""
    with tempfile.TemporaryDirectory() as folder:
        against = f"{sys.executable} -m proofs.cli.main serve --mistake {SHOWN}"
        command = [sys.executable, "-m", "proofs.cli.main", "fuzz", "--against", against, "--steps", "10000"]
        done = subprocess.run([*command, "--jobs", "1", "--out", folder], capture_output=True, text=True, check=False)
        if done.returncode != 1:
            raise RuntimeError(done.stderr or done.stdout)
        text = done.stdout.replace(folder, "campaign").replace(against, f"claimcheck serve --mistake {SHOWN}")
    lines = [line.rstrip() for line in text.splitlines()]
    rows = [re.sub(r"[\d,]+$", "...", line) if line.startswith(" claim-sets ") else line for line in lines]
    printed = "\n".join(rows).strip("\n")
    return f"```text\n{printed}\n```"


BLOCKS: dict[str, Callable[[], str]] = {
    "fuzz-bugs": lambda: bugs_table(hunted(default_jobs())),
    "fuzz-bounds": lambda: bounds_table(hunted_bounds(default_jobs())),
    "fuzz-coverage": lambda: coverage_table(covered(default_jobs())),
    "fuzz-finding": shown,
}


def main(arguments: list[str]) -> int:
    """Write the document."""
    options = parser("fuzz", __doc__)
    names = [name.removeprefix("fuzz-") for name in BLOCKS]
    options.add_argument("blocks", nargs="*", metavar="BLOCK", help=f"only these: {', '.join(names)}")
    given = options.parse_args(arguments)
    if unknown := set(given.blocks) - set(names):
        options.error(f"no block {', '.join(sorted(unknown))}: there are {', '.join(names)}")
    output = Output(given.check)
    others = [name for name in BLOCKS if given.blocks and name.removeprefix("fuzz-") not in given.blocks]
    output.renew(DOCUMENT, BLOCKS, others)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
