"""What the README shows of stored findings: a line each, and the picture of one."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from docs._make.checkout import ROOT
from proofs.explain.picture import svg_of
from proofs.matrix.verdicts import load
from proofs.prover.verdict import Verdict
from proofs.traces import read_traces

PICTURE = ROOT / "docs/img/claim-of-nobody.svg"


class Headline(NamedTuple):
    """A finding in one sentence."""

    sentence: str
    generation: str
    part: str
    conditions: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        """The trace."""
        return Path("tests/data/findings", self.generation, "+".join([self.part, *self.conditions]) + ".jsonl")


DRAWN = Headline(
    "**Claim sets, v7, v8 and mainline**: a claim can outlive its domain. `XENMEM_claim_pages` checks `is_dying` before"
    " it takes the lock, so it can install a claim for a domain that is destroyed meanwhile. Nothing releases it; once"
    " pages go offline, more is claimed than is free.",
    "claim-sets",
    "host-backed",
)
HEADLINES = (
    DRAWN,
    Headline(
        "**Mainline 4.22, claim sets, v7 and v8**: a build that claimed all its memory can fail. A preempted populate"
        " that is continued with another extent size drops its stashed extent, and with it the claim.",
        "mainline-4.22",
        "no-claims-lost",
        ("limit-not-lowered", "requests-within-limit", "requests-within-claims"),
    ),
    Headline(
        "**v8**: taking pages offline recalls no claims: a node can have more pages claimed than free.",
        "per-node-v8",
        "node-backed",
    ),
)


def findings() -> str:
    """A line each, with the trace.

    :raises ValueError: the stored matrix does not refute it
    """
    verdicts = {(c.semantics, c.row.part, c.row.conditions): c.verdict for c in load()}
    lines = []
    for one in HEADLINES:
        if verdicts[one.generation, one.part, one.conditions] is not Verdict.REFUTED:
            raise ValueError(f"{one.part} of {one.generation} is not refuted")
        events = sum(1 for trace in read_traces(str(ROOT / one.file)) for _ in trace) - 1  # boot is none
        lines.append(f"- {one.sentence} [{events} events]({one.file})")
    return "\n".join(lines)


def picture() -> bytes:
    """The trace of the first, as a timeline: read from the root, so that it shows the path as a reader types it."""
    with chdir(ROOT):
        (drawn,) = [svg_of(trace, f"claimcheck explain {DRAWN.file}")[0] for trace in read_traces(str(DRAWN.file))]
    return drawn.encode()
