"""The measures of a scenario side by side: how builds ended, and where their memory came from."""

from __future__ import annotations

import io
from collections.abc import Sequence

from proofs.simulate.build import BuildEnding
from proofs.simulate.results import ScenarioResult

_OF_ENDINGS = ("#2f8f5b", "#8a8f98", "#d9a300", "#c8463c")
_OF_SHARES = ("#1f5fbf", "#6ea4f5", "#bcd2f8")
_SHARES = ("share on the wanted node", "share in 1 GiB extents", "share in 2 MiB extents")


def plot(rows: Sequence[ScenarioResult]) -> str:
    """An SVG: a line of two diagrams a scenario, a group of bars a policy, whiskers for the intervals.

    :raises ImportError: matplotlib is not installed
    """
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "claimcheck", "font.size": 8}):
        figure, axes = plt.subplots(
            len(scenarios), 2, figsize=(9, 2.2 * len(scenarios)), layout="constrained", squeeze=False
        )
        for (left, right), scenario in zip(axes, scenarios, strict=True):
            of_it = [row for row in rows if row.scenario == scenario]
            _bars(left, of_it, [ending.value for ending in BuildEnding], _OF_ENDINGS)
            _bars(right, of_it, _SHARES, _OF_SHARES)
            left.set_ylabel(scenario)
            left.set_title("builds", fontsize=8)
            right.set_title("share of the pages of completed builds", fontsize=8)
            right.set_ylim(0, 1.05)
        endings, shares = (axes[0][side].get_legend_handles_labels()[0] for side in (0, 1))
        figure.legend(endings, [ending.value for ending in BuildEnding], loc="outside upper left", ncol=3)
        figure.legend(shares, [name.removeprefix("share ") for name in _SHARES], loc="outside upper right", ncol=3)
        image = io.StringIO()
        figure.savefig(image, format="svg", metadata={"Date": None})
        plt.close(figure)
    return "\n".join(line.rstrip() for line in image.getvalue().splitlines()) + "\n"


def _bars(axes: object, rows: Sequence[ScenarioResult], names: Sequence[str], colours: Sequence[str]) -> None:
    width = 0.8 / len(names)
    for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
        found = [row.measures.get(name) for row in rows]
        means = [m.mean if m else 0.0 for m in found]
        errors = [[m.mean - m.low if m else 0.0 for m in found], [m.high - m.mean if m else 0.0 for m in found]]
        places = [i + (index - (len(names) - 1) / 2) * width for i in range(len(rows))]
        axes.bar(places, means, width, yerr=errors, label=name, color=colour, error_kw={"linewidth": 0.8})  # type: ignore[attr-defined]
    axes.set_xticks(range(len(rows)), [row.policy for row in rows])  # type: ignore[attr-defined]
