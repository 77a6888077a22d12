"""The generated parts of docs/fuzz.md, from a run: `make fuzz`. With --check nothing is written, but compared."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from model.semantics import SEMANTICS
from proofs.adapters.bugs import BUGS
from proofs.parallel import default_jobs, in_processes
from proofs.prover.documents import table

from .campaign import Budget, Campaign, Totals
from .hunt import Hunt, hunt
from .known import known_of
from .store import CampaignSettings

DOCUMENT = Path("docs/fuzz.md")
STEPS = 600_000
"""Of a generation, for its coverage: some seconds on a free processor."""
SHOWN = "no-recall"
"""The mistake whose finding is shown."""
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def bugs_table(hunts: list[Hunt]) -> str:
    """Each mistake, how far it was to it, and what is left of its trace."""
    body = []
    for one in hunts:
        small = one.found
        shown = ["not found", ""] if small is None else [str(len(small.events)), f"`{small.failure.op}`: {_seen(one)}"]
        body.append([f"`{one.bug}`", BUGS[one.bug].sentence(), f"{one.steps:,}", str(one.events_before), *shown])
    return table(["mistake", "what is done wrong", "steps to it", "events then", "shrunk to", "seen at"], body)


def _seen(one: Hunt) -> str:
    assert one.found is not None
    failure = one.found.failure
    return f"`{failure.field}`, {failure.detail}"


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
        "cannot be",
        "broke, without a proof that they hold",
        "not reached",
    ]
    return table(header, body)


def covered(jobs: int) -> list[Totals]:
    """A campaign of every generation."""
    totals: list[Totals] = []
    for name in SEMANTICS:
        campaign = Campaign(CampaignSettings([name]), [known_of(name)], Path(tempfile.gettempdir()))
        campaign.run(Budget(steps=STEPS), jobs)
        found = campaign.findings()
        if found:
            raise RuntimeError(str(found[0].found.failure))
        totals += campaign.totals.values()
    return totals


def hunted(jobs: int, bugs: list[str] | None = None) -> list[Hunt]:
    """Every mistake, looked for."""
    names = list(bugs or BUGS)
    found: dict[int, Hunt] = dict(in_processes(partial(hunt, seed=0), names, jobs))
    return [found[index] for index in range(len(names))]


def shown() -> str:
    """What the command prints of a mistake."""
    with tempfile.TemporaryDirectory() as folder:
        against = f"{sys.executable} -m proofs.cli.main serve --bug {SHOWN}"
        command = [sys.executable, "-m", "proofs.cli.main", "fuzz", "--against", against, "--steps", "1000"]
        done = subprocess.run([*command, "--jobs", "1", "--out", folder], capture_output=True, text=True, check=False)
        if done.returncode != 1:
            raise RuntimeError(done.stderr or done.stdout)
        text = done.stdout.replace(folder, "campaign").replace(against, f"claimcheck serve --bug {SHOWN}")
    lines = [line.rstrip() for line in text.splitlines()]
    rows = [re.sub(r"[\d,]+$", "...", line) if line.startswith(" claim-sets ") else line for line in lines]
    printed = "\n".join(rows).strip("\n")
    return f"```text\n{printed}\n```"


def main(arguments: list[str]) -> int:
    """Write the document anew, or say that a run gives another."""
    jobs = default_jobs()
    blocks = {
        "fuzz-bugs": lambda: bugs_table(hunted(jobs)),
        "fuzz-coverage": lambda: coverage_table(covered(jobs)),
        "fuzz-finding": shown,
    }
    wanted = [name for name in blocks if name.removeprefix("fuzz-") in arguments] or list(blocks)
    before = DOCUMENT.read_text(encoding="utf-8")

    def renewed(match: re.Match[str]) -> str:
        if match[2] not in wanted:
            return match[0]
        return f"{match[1]}{blocks[match[2]]()}\n{match[3]}"

    after = _BLOCK.sub(renewed, before)
    if "--check" not in arguments:
        DOCUMENT.write_text(after, encoding="utf-8")
    elif after != before:
        print(f"{DOCUMENT}: a run gives something else: make fuzz", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
