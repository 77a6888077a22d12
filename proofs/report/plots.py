"""Static plots as SVG; what is black in them takes the colour of the page's text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#010203"
"""Stands for the colour of the text."""


def bars(names: Sequence[str], values: Sequence[float], xlabel: str, title: str) -> str:
    """One horizontal bar a name."""
    with _plot(0.19 * len(names) + 0.8, title) as (axes, result):
        axes.barh(range(len(names)), values, color="#5b7fc7")
        _finish(axes, names, xlabel)
    return result[0]


def stacked(names: Sequence[str], parts: Mapping[str, tuple[str, Sequence[float]]], xlabel: str, title: str) -> str:
    """Horizontal bars made of parts: for each its colour, and a value a name."""
    with _plot(0.26 * len(names) + 1.3, title) as (axes, result):
        left = [0.0] * len(names)
        for label, (colour, values) in parts.items():
            axes.barh(range(len(names)), values, left=left, color=colour, label=label)
            left = [a + b for a, b in zip(left, values, strict=True)]
        _finish(axes, names, xlabel)
        axes.figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=8)
    return result[0]


@contextmanager
def _plot(height: float, title: str) -> Iterator[tuple[Axes, list[str]]]:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    ink = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "claimcheck", "font.size": 9, **ink}
    result: list[str] = []
    with mpl.rc_context(settings):
        figure, axes = plt.subplots(figsize=(7.5, height), layout="constrained")
        yield axes, result
        image = io.StringIO()
        figure.savefig(image, format="svg", metadata={"Date": None}, transparent=True)
        plt.close(figure)
    result.append(_inline(image.getvalue(), title))


def _finish(axes: Axes, names: Sequence[str], xlabel: str) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.set_xlabel(xlabel)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _inline(svg: str, title: str) -> str:
    """As a part of a page: no prologue, ids of its own, a name for those who do not see it."""
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    prefix = re.sub(r"\W+", "-", title)
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px sans-serif", svg)
    head = rf'<svg role="img" aria-label="{title}" viewBox="\1">'
    return re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', head, svg, count=1)
