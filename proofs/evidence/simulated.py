"""The section "scenarios": what claims gain, on the scenarios that are quick; the rest is named as left out."""

from __future__ import annotations

import time
from typing import Final

from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import EvidenceTable, Tables
from proofs.parallel import in_processes
from proofs.simulate.build import BuildEnding
from proofs.simulate.policies import default_policies
from proofs.simulate.report import cell, measures_of
from proofs.simulate.results import ScenarioResult, rows
from proofs.simulate.run import RunOutcome, run_once
from proofs.simulate.scenario import Scenario, built_in, load

SEEDS: Final = {"boot-storm": 10, "mixed-builders": 10, "parallel-migration": 2, "fragmented": 2}
"""The scenarios that a report runs, and how often."""


def collected(request: EvidenceRequest) -> Tables:
    """Every policy that ignores no field, with the first seeds. Broken properties and crashes are not as claimed."""
    started = time.perf_counter()
    scenarios = [load(built_in()[name]) for name in SEEDS]
    asked = [(s, policy, seed) for s in scenarios for policy in default_policies(s) for seed in range(SEEDS[s.name])]
    outcomes: dict[int, RunOutcome] = {}
    for index, outcome in in_processes(_one, asked, request.jobs):
        outcomes[index] = outcome
        request.progress("scenarios", len(outcomes), len(asked))
    found = rows([outcomes[index] for index in range(len(asked))])
    tables = [as_table(scenario, [row for row in found if row.scenario == scenario.name]) for scenario in scenarios]
    left_out = [name for name in built_in() if name not in SEEDS]
    tables[-1].note += f" Not run here, as they take minutes: {', '.join(left_out)}."
    ok = not any(row.broken or row.crashes for row in found)
    return Tables(tables=tables, ok=ok, seconds=time.perf_counter() - started)


def _one(asked: tuple[Scenario, str, int]) -> RunOutcome:
    return run_once(*asked)


def as_table(scenario: Scenario, found: list[ScenarioResult]) -> EvidenceTable:
    """A row a policy, a column a measure; the ways in which builds end are drawn."""
    endings = [ending.value for ending in BuildEnding]
    names = [*endings, *(name for name in measures_of(found) if name not in endings)]
    wrong = [
        f"{row.policy}: {', '.join(row.broken)}; {row.crashes} crashes" for row in found if row.broken or row.crashes
    ]
    seeds = found[0].runs
    return EvidenceTable(
        name=scenario.name,
        columns=["policy", *names],
        rows=[[row.policy, *(cell(row, name) for name in names)] for row in found],
        note=f"{scenario.about}. Means of seeds 0 to {seeds - 1}, in brackets the 95 % confidence interval."
        f" {'Broken: ' + '; '.join(wrong) if wrong else 'No property broken, no crash'}.",
        drawn=endings,
    )
