"""The section "fuzz": a short campaign of random interleavings, bounded by steps, so that it repeats exactly."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

from proofs.evidence.request import NOT_REQUESTED, EvidenceRequest
from proofs.evidence.structure import EvidenceTable, SkippedSection, Tables
from proofs.fuzz.campaign import Budget, Campaign
from proofs.fuzz.known import known_of
from proofs.fuzz.store import CampaignSettings
from proofs.matrix.rows import DESIGN

STEPS: Final = 300_000
"""Critical sections."""
SEED: Final = 0


def collected(request: EvidenceRequest) -> Tables | SkippedSection:
    """Reference against model, for the design. A difference is not as claimed."""
    if DESIGN not in request.semantics:
        return SkippedSection(NOT_REQUESTED)
    started = time.perf_counter()
    settings = CampaignSettings([DESIGN], SEED)
    settings.shard_steps = min(settings.shard_steps, STEPS // 10)
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(settings, [known_of(DESIGN, cache=None)], Path(folder))
        campaign.run(
            Budget(None, STEPS), request.jobs, None, lambda c: request.progress("fuzz", min(c.steps, STEPS), STEPS)
        )
    if campaign.interrupted:
        raise KeyboardInterrupt
    tables = [_counts(campaign), *_not_reached(campaign), *_findings(campaign)]
    return Tables(tables=tables, ok=not campaign.findings(), seconds=time.perf_counter() - started)


def _counts(campaign: Campaign) -> EvidenceTable:
    totals = campaign.totals.values()
    return EvidenceTable(
        name="A short campaign",
        columns=["generation", "traces", "steps", "outcome classes reached", "of", "kinds of failures"],
        rows=[
            [
                total.semantics,
                f"{total.traces:,}",
                f"{total.steps:,}",
                str(len(total.known.reachable()) - len(total.unreached())),
                str(len(total.known.reachable())),
                str(sum(one.found.failure.semantics == total.semantics for one in campaign.findings())),
            ]
            for total in totals
        ],
        note=f"Seed {SEED}; each step is one critical section, held against the model. An outcome class is a call with"
        " one of the results that the model says it can have. More: claimcheck fuzz --duration 600.",
        seconds={total.semantics: total.seconds for total in totals},
        rate="steps",
    )


def _not_reached(campaign: Campaign) -> list[EvidenceTable]:
    missed = [
        [total.semantics, ", ".join(total.unreached())] for total in campaign.totals.values() if total.unreached()
    ]
    return [EvidenceTable("Not reached in this campaign", ["generation", "outcome classes"], missed)] if missed else []


def _findings(campaign: Campaign) -> list[EvidenceTable]:
    found = [
        [str(one.found.failure), str(len(one.found.events)), str(one.found.host.nodes), f"{one.traces:,}"]
        for one in campaign.findings()
    ]
    return [EvidenceTable("Failures", ["failure", "events", "nodes", "traces"], found)] if found else []
