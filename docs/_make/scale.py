"""docs/scale.md and docs/img/scale.svg from what `python -m bench.scale` measured."""

import io
import json
from pathlib import Path
from typing import Any

from bench.scale import HOUR, LAST, Fit, fitted
from docs._make.blocks import Maker, Output, table
from proofs.evidence.dated import measured_on

COMMAND = "python -m bench.scale --minutes 10"
DOCUMENT = Path("docs/scale.md")
PICTURE = Path("docs/img/scale.svg")


def _law(fit: Fit | None) -> str:
    if fit is None:
        return "too few points"
    law = f"{fit.a:.3g} x {fit.b:.3g}^x" if fit.law == "exponential" else f"{fit.a:.3g} x^{fit.b:.3g}"
    return f"{fit.law}: {law}, off by {100 * (2.718281828**fit.residual - 1):.0f} %"


def _within_an_hour(series: dict[str, Any], fit: Fit | None) -> str:
    """What an hour would reach if the law of growth still holds there."""
    if fit is None or series["y_name"] != "seconds":
        return ""
    reached = fit.reaches(HOUR)
    return "no end" if reached > 1e6 else f"{reached:.0f}"


def growth(found: dict[str, Any]) -> str:
    """The series as a table."""
    body = []
    for series in found["series"]:
        fit = fitted(series["points"])
        x, y = series["points"][-1] if series["points"] else (0, 0)
        cells = [series["name"], series["x_name"], f"{x:g}", f"{y:.3g} {series['y_name']}", _law(fit)]
        body.append([*cells, _within_an_hour(series, fit), series["ended"]])
    header = [
        "measured",
        "grows with",
        "largest size",
        "cost there",
        "law of growth",
        "size in an hour, extrapolated",
        "ended because",
    ]
    made = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    took = f"{found['took']} minutes by the clock, of {found['minutes']:g} allowed, with {found['jobs']} processes"
    shown = f"{measured_on(found, COMMAND)}\n\n{table(header, body)}"
    return f"{shown}\n\nThe run took {took}; load average before: {found['load']}; {made}."


def points(found: dict[str, Any]) -> str:
    """Every point."""
    body = []
    for series in found["series"]:
        measured = "; ".join(f"{x:g}: {y:.3g}" for x, y in series["points"])
        body.append([f"{series['name']}, {series['y_name']} by {series['x_name']}", measured])
    return table(["series", "size: cost"], body)


def blocks(found: dict[str, Any]) -> dict[str, Maker]:
    """The generated parts of the document."""
    return {"scale-growth": growth(found), "scale-points": points(found)}


def picture(found: dict[str, Any]) -> str:
    """Points, the law through them, and dashed where it goes beyond what was measured."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "claimcheck", "font.size": 8}):
        figure, grid = plt.subplots(3, 2, figsize=(8, 9), layout="constrained")
        for axes, series in zip(grid.flat, found["series"], strict=True):
            _curve(axes, series)
        image = io.StringIO()
        figure.savefig(image, format="svg", metadata={"Date": None})
        plt.close(figure)
    return "\n".join(line.rstrip() for line in image.getvalue().splitlines()) + "\n"


def _curve(axes: Any, series: dict[str, Any]) -> None:
    axes.set(title=series["name"], xlabel=series["x_name"], ylabel=series["y_name"], yscale="log")
    xs, ys = [x for x, _ in series["points"]], [y for _, y in series["points"]]
    axes.plot(xs, ys, "o", label="measured")
    fit = fitted(series["points"])
    if fit is not None:
        if fit.law == "power":
            axes.set_xscale("log")
        first = xs[-LAST:][0]
        inside = [first + (xs[-1] - first) * i / 40 for i in range(41)]
        beyond = [xs[-1] * (1 + i / 40) for i in range(41)]
        axes.plot(inside, [fit.at(x) for x in inside], "-", color="tab:blue", label=f"{fit.law} law")
        axes.plot(beyond, [fit.at(x) for x in beyond], "--", color="tab:red", label="extrapolated")
    axes.grid(alpha=0.3)
    axes.legend()


def write(stored: Path) -> None:
    """Document and picture."""
    found, output = json.loads(stored.read_text()), Output()
    output.renew(DOCUMENT, blocks(found))
    output.write(PICTURE, picture(found))
