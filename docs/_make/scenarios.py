"""The tables and the picture of docs/scenarios.md, from a run: `make scenarios`, a few minutes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docs._make.blocks import Output, blocks_of, parser, renewed, table
from docs._make.scenario_fields import fields
from proofs.parallel import default_jobs, in_processes
from proofs.simulate.plots import plot
from proofs.simulate.policies import POLICIES, default_policies, ignored
from proofs.simulate.report import cell, measures_of
from proofs.simulate.results import Measure, ScenarioResult, rows
from proofs.simulate.run import RunOutcome, run_once
from proofs.simulate.scenario import Scenario, built_in, load

DOCUMENT = Path("docs/scenarios.md")
PICTURE = Path("docs/img/scenarios.svg")
SEEDS = {"thousand-domains": 2, "fragmented": 6, "host-evacuation": 8, "parallel-migration": 10}
"""Runs of each scenario; of those not named, 20."""
STOPPED = ("boot-storm", "xenopsd-v4")
"""The scenario and the policy that show what a fallback to host-wide claims does under the rules of single-node-v4."""


def _one(asked: tuple[Scenario, str, int]) -> RunOutcome:
    return run_once(*asked)


def tables(scenarios: list[Scenario], found: list[ScenarioResult]) -> str:
    """A heading, what it is about, and the measures of each scenario."""
    parts = []
    for scenario in scenarios:
        of_it = [row for row in found if row.scenario == scenario.name]
        body = [[name, *(cell(row, name) for row in of_it)] for name in measures_of(of_it)]
        broken = ", ".join(sorted({b for row in of_it for b in row.broken})) or "none"
        parts += [
            f"### {scenario.name}",
            f"{scenario.about}. {of_it[0].runs} seeds.",
            table(["measure", *(row.policy for row in of_it)], body),
            f"Properties violated after a run: {broken}; crashes: {sum(row.crashes for row in of_it)}.",
            *left_out(scenario),
        ]
    return "\n\n".join(parts)


def left_out(scenario: Scenario) -> list[str]:
    """The policies that ignore one of its fields."""
    unused = {policy.name: ignored(scenario, policy) for policy in POLICIES.values() if policy.by_default}
    return [f"Not run: `{name}` ignores {', '.join(fields)}." for name, fields in unused.items() if fields]


def policies() -> str:
    """Every policy: the rules of its host, its claim, how it places extents, and what it ignores."""
    body = []
    for policy in POLICIES.values():
        where = "requested on each node" if policy.names_nodes else "by the domain's affinity"
        unused = ", ".join(f"`{name}`" for name in policy.ignores)
        body.append([f"`{policy.name}`", f"`{policy.semantics}`", policy.summary, where, unused])
    return table(["policy", "rules of the host", "claim", "memory of the wanted nodes", "fields that it ignores"], body)


def stopped(outcomes: list[RunOutcome]) -> str:
    """How often the host stops."""
    crashes = [outcome for outcome in outcomes if outcome.crash]
    said = ", ".join(sorted({f"`{outcome.crash}`" for outcome in crashes}))
    scenario, policy = STOPPED
    return f"`{scenario}` under `{policy}`: the host stops in {len(crashes)} of {len(outcomes)} runs ({said})."


OF_ROWS = ("scenarios", "answers", "policies", "fields")
"""The blocks that :func:`written` makes."""

_CELL = re.compile(r"([\d.]+)(%?) \(([\d.]+)%? to ([\d.]+)%?\)")


def read(text: str) -> list[ScenarioResult]:
    """The rows whose tables a document shows, as precise as it shows them; what broke, of all policies together."""
    found = []
    for name, body in re.findall(
        r"^### ([\w-]+)\n(.*?)(?=^### |\Z)", blocks_of(text)["scenarios"], re.MULTILINE | re.DOTALL
    ):
        lines = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
        seeds = re.search(r"(\d+) seeds\.", body)
        ends = re.search(r"^Properties violated after a run: (.*); crashes: (\d+)\.$", body, re.MULTILINE)
        assert seeds is not None, name
        assert ends is not None, name
        broken = [] if ends[1] == "none" else ends[1].split(", ")
        for column, policy in enumerate(lines[0][1:], 1):
            cells = {line[0]: _CELL.fullmatch(line[column]) for line in lines[1:]}
            measures = {measure: _measure(cell) for measure, cell in cells.items() if cell is not None}
            found.append(
                ScenarioResult(name, policy, int(seeds[1]), measures, broken, int(ends[2]) if column == 1 else 0)
            )
    return found


def _measure(cell: re.Match[str]) -> Measure:
    scale = 100 if cell[2] else 1
    return Measure(*(float(cell[number]) / scale for number in (1, 3, 4)))


def answers(shown: list[ScenarioResult]) -> str:
    """What claim sets gain, and when large extents fail: the measures that differ, side by side."""
    compared = [
        ("failed half-way", "no-claims"),
        ("failed half-way", "xl"),
        ("share on the wanted node", "xl"),
        ("share on the wanted node", "xenopsd"),
        ("share on the wanted node", "single-node"),
        ("completed", "single-node"),
        ("large extents refused though claimed", "single-node"),
    ]
    body = []
    by_name = {(row.scenario, row.policy): row for row in shown}
    for scenario in dict.fromkeys(row.scenario for row in shown):
        cells = [scenario]
        for name, policy in compared:
            if (scenario, policy) not in by_name:
                cells.append("not run")
                continue
            both = [by_name[scenario, p].measures.get(name) for p in (policy, "claim-sets")]
            means = [0.0 if found is None else found.mean for found in both]  # what is zero everywhere has no row
            cells.append(" to ".join(f"{m:.1%}" if name.startswith("share") else f"{m:.1f}" for m in means))
        body.append(cells)
    return table(["scenario", *(f"{name}: `{policy}` to `claim-sets`" for name, policy in compared)], body)


def ran() -> list[ScenarioResult]:
    """Every scenario under every policy that ignores none of its fields, run."""
    scenarios = [load(path) for path in built_in().values()]
    return rows(_outcomes([(s, p, seed) for s in scenarios for p in default_policies(s) for seed in seeds(s.name)]))


def ran_to_stop() -> list[RunOutcome]:
    """What :func:`stopped` speaks of, run."""
    name, policy = STOPPED
    return _outcomes([(load(built_in()[name]), policy, seed) for seed in seeds(name)])


def seeds(name: str) -> range:
    """The seeds of a scenario."""
    return range(SEEDS.get(name, 20))


def _outcomes(asked: list[tuple[Scenario, str, int]]) -> list[RunOutcome]:
    outcomes = dict(in_processes(_one, asked, default_jobs()))
    return [outcomes[index] for index in range(len(asked))]


def written(text: str, found: list[ScenarioResult]) -> str:
    """The document with the tables of these rows."""
    scenarios = [load(path) for path in built_in().values()]
    made = {"scenarios": tables(scenarios, found), "answers": answers(found)}
    return renewed(text, {**made, "policies": policies(), "fields": fields()}, others=["stopped"])


def main(arguments: list[str]) -> int:
    """Write the document and the picture."""
    options = parser("scenarios", __doc__)
    options.add_argument(
        "--redraw", action="store_true", help="run nothing: draw the picture from the tables of the document"
    )
    given = options.parse_args(arguments)
    output, text = Output(given.check), DOCUMENT.read_text(encoding="utf-8")
    if not given.redraw:
        text = renewed(written(text, ran()), {"stopped": stopped(ran_to_stop())}, others=OF_ROWS)
        output.write(DOCUMENT, text)
    output.write(PICTURE, plot(read(text)))
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
