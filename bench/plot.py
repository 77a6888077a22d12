"""Small SVG plots, the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence


def lines_over_sizes(names: Sequence[str], lines: Mapping[str, Sequence[float]], ylabel: str, xlabel: str) -> str:
    """Lines over named sizes, from zero up: flat looks flat."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "claimcheck", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
        for (name, values), marker in zip(lines.items(), "osD^", strict=False):
            axes.plot(range(len(names)), values, marker=marker, markersize=4, label=name)
        axes.set_xticks(range(len(names)), names)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(alpha=0.3)
        axes.legend()
        image = io.StringIO()
        figure.savefig(image, format="svg", metadata={"Date": None})
        plt.close(figure)
    return "\n".join(line.rstrip() for line in image.getvalue().splitlines()) + "\n"
