"""The report as one HTML file that needs nothing else, and the Markdown summary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import jinja2
from markupsafe import Markup

from model.named import GENERATIONS
from model.properties.conditions import CONDITIONS
from proofs.evidence.answered import QUESTIONS
from proofs.evidence.collect import CORE
from proofs.evidence.dated import age
from proofs.evidence.further import FURTHER
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.shown import asked
from proofs.evidence.statements import promises, worded
from proofs.evidence.structure import Evidence, EvidenceTable, SkippedSection
from proofs.report import plots, views
from proofs.report.designs import LIVE, events, ordered, summaries
from proofs.report.sentences import KINDS
from proofs.report.severity import by_severity
from proofs.report.smtlib import packed
from proofs.report.sources import function, last_call, trace_file
from proofs.report.verdict import failures, open_points, took, total


@cache
def _environment(autoescape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("proofs.report"),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["json"] = lambda value: Markup(views.as_json(value))
    environment.filters["n"] = lambda number: f"{number:,}"
    environment.filters["rate"] = views.rate
    environment.filters["worded"] = worded
    environment.filters["words"] = views.in_words
    environment.filters["events"] = events
    environment.filters["trace_file"] = trace_file
    environment.filters["question_file"] = lambda name: QUESTIONS[name].path.as_posix()
    environment.filters["last_call"] = last_call
    environment.filters["function"] = function
    environment.filters["drawn"] = lambda table: Markup(_drawn(table))
    environment.tests["run"] = lambda section: not isinstance(section, SkippedSection)
    return environment


def html(evidence: Evidence, jobs: int, texts: Mapping[str, str] = MappingProxyType({})) -> str:
    """The whole file.

    :param texts: the SMT-LIB texts that the prover built in this run; the others are built again
    """
    template = _environment(autoescape=True).get_template("report.html.j2")
    return template.render(_common(evidence) | _pages(evidence, jobs, texts))


def markdown(evidence: Evidence) -> str:
    """To paste into a mail."""
    return _environment(autoescape=False).get_template("summary.md.j2").render(_common(evidence))


def _common(evidence: Evidence) -> dict[str, Any]:
    judged = not isinstance(evidence.matrix, SkippedSection)
    return {
        "e": evidence,
        "KINDS": KINDS,
        "FURTHER": FURTHER,
        "generations": views.generations(evidence),
        "lines": views.matrix_lines(evidence) if judged else [],
        "designs": summaries(evidence),
        "conditions": {name: condition.sentence for name, condition in CONDITIONS.items()},
        "LIVE": LIVE,
        "posted": {name: GENERATIONS[name].posted for name in GENERATIONS},
        "counts_of": {name: views.counts(evidence, name) for name in evidence.run.semantics} if judged else {},
        "newest": views.newest(evidence),
        "failures": failures(evidence),
        "open_points": open_points(evidence),
        "promises": promises(),
        "CORE": CORE,
        "age": age,
        "seeds": views.seeds(evidence),
        "took": took(evidence),
        "total": total(evidence),
    }


def _pages(evidence: Evidence, jobs: int, texts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"findings": [], "groups": [], "meanings": {}, "smtlib": "", "plots": {}}
    if not isinstance(evidence.findings, SkippedSection):
        found["findings"] = views.findings(evidence)
        found["severities"] = by_severity(found["findings"], lambda shown: shown.finding)
        found["traces"] = {shown.finding.name: shown.data for shown in found["findings"]}
    if not isinstance(evidence.matrix, SkippedSection):
        found["plots"]["verdicts"] = Markup(_verdicts(evidence))
    if not isinstance(evidence.obligations, SkippedSection):
        obligations = asked(EvidenceRequest(evidence.run.semantics, evidence.run.properties))
        found["groups"] = views.groups(evidence)
        found["meanings"] = views.meanings(obligations)
        found["smtlib"], found["other_texts"] = packed(obligations, evidence.obligations.results, jobs, texts)
        found["plots"]["seconds"] = Markup(_seconds(found["groups"]))
    if not isinstance(evidence.conformance, SkippedSection):
        files = evidence.conformance.files
        names = [file.semantics[0] if file.semantics else file.file for file in files]
        compared = [float(file.comparisons) for file in files]
        title = "observations compared per recorded file"
        found["plots"]["recorded"] = Markup(plots.bars(names, compared, "observations compared", title))
    return found


_COLOURS = {"proved": "#2f8f5b", "bounded": "#8fc7a4", "refuted": "#c8463c", "unknown": "#d9a300", "none": "#9a9a9a"}


_IN_TURN = ("#2f8f5b", "#d9a300", "#c8463c", "#5b7fc7", "#8748bd")


def _drawn(table: EvidenceTable) -> str:
    """The columns that a table wants drawn, as one bar per row."""
    at = {name: table.columns.index(name) for name in table.drawn}
    colours = dict(zip(table.drawn, _IN_TURN, strict=False))
    shown = {name: (colours[name], [views.number(row[at[name]]) for row in table.rows]) for name in table.drawn}
    return plots.stacked([row[0] for row in table.rows], shown, "", f"{table.name}: {', '.join(table.drawn)}")


def _verdicts(evidence: Evidence) -> str:
    names = ordered(evidence.run.semantics)
    counted = [views.counts(evidence, name) for name in names]
    parts = {KINDS[k].partition(" by ")[0]: (_COLOURS[k], [float(c[k]) for c in counted]) for k in KINDS}
    shown = {label: part for label, part in parts.items() if any(part[1])}
    return plots.stacked(names, shown, "promises", "verdicts by generation")


def _seconds(groups: list[views.Group]) -> str:
    names = [group.name + ("" if group.claimed else " (without conditions)") for group in groups]
    return plots.bars(names, [group.seconds for group in groups], "seconds of one core", "solver time by property")
