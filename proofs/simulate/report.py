"""The measures as text: one cell is a mean and its interval."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.simulate.results import ScenarioResult


def measures_of(rows: Sequence[ScenarioResult]) -> list[str]:
    """The measures of a scenario that are not zero everywhere, as the runs give them."""
    names = dict.fromkeys(name for row in rows for name in row.measures)
    return [name for name in names if any(row.measures[name].high > 0 for row in rows if name in row.measures)]


def cell(row: ScenarioResult, name: str) -> str:
    """Mean, and in brackets the 95 % confidence interval; shares in per cent."""
    found = row.measures.get(name)
    if found is None:
        return ""
    if name.startswith("share"):
        return f"{found.mean:.1%} ({found.low:.1%} to {found.high:.1%})"
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f})"
