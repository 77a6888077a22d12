"""What reports show as stored of the second solver and of Spacer: `python -m bench.sections`. The rest: `make diff`.

Each section is made whole, and then the part that every report makes again (proofs/evidence/kept.py).
"""

from __future__ import annotations

import argparse
import sys

from docs._make.run_times import Clock
from proofs.evidence import second_solver, spacer
from proofs.evidence.dated import stamp
from proofs.evidence.kept import PartedSection, store
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import SkippedSection
from proofs.parallel import default_jobs

SECTIONS = {section.name: section for section in (second_solver.SECTION, spacer.SECTION)}


def made(section: PartedSection, jobs: int) -> None:
    """Run a section, and store it.

    :raises SystemExit: it cannot be run here
    """
    request, day, clock = EvidenceRequest(jobs=jobs), stamp(), Clock()
    whole = section.whole(request)
    clock.took(section.name)
    by_clock, processor = clock.whole()
    part = section.part(request)
    if isinstance(whole, SkippedSection) or isinstance(part, SkippedSection):
        raise SystemExit(f"{section.name} cannot be made here")
    if section is spacer.SECTION:  # its processes are no children of this one, and measure themselves
        processor += sum(whole.tables[0].seconds.values())
    path = store(section.name, day, processor, whole, part)
    print(f"{path}: {by_clock:.0f} s by the clock, {processor:.0f} s of processor time")


def main(arguments: list[str]) -> None:
    """Make the sections that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench.sections", description=__doc__)
    parser.add_argument("--section", action="append", choices=list(SECTIONS), help="several  [default: all]")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="processes  [default: all processors]")
    options = parser.parse_args(arguments)
    for name in options.section or SECTIONS:
        made(SECTIONS[name], options.jobs)


if __name__ == "__main__":
    main(sys.argv[1:])
