"""docs/generations/<name>.md: rules, faults with traces, and what changed next, from the code and the findings."""

import inspect
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docs._make.blocks import folded, table
from docs._make.catalogue import NUMBERS
from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from proofs.c_typed.wraps import ReplayWithWraps
from proofs.explain.compact import boot_line, compact_scenes, compact_timeline
from proofs.explain.source import lines_of_code, reference_diff, reference_source, rule_changes
from proofs.matrix.cells import UP_TO, CellVerdict
from proofs.matrix.differences import asked
from proofs.matrix.differences import path_of as difference_path
from proofs.matrix.findings import path_of
from proofs.matrix.report import Repair, by_place, repairs
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.refinement.premises import notes
from proofs.replay.replay import TraceResult
from proofs.traces import Trace, read_traces
from reference.generations import GENERATIONS as OF_REFERENCE

PAGES = Path("docs/generations")
WRITTEN = (
    "`make matrix` writes this page from the code and from the findings of its run. Every trace is in `tests/data/`."
)


def code(row: MatrixRow) -> str:
    """A row's name for a document: `node-backed` if nothing-offlined."""
    return f"`{row.part}`" + (f" if {' and '.join(row.conditions)}" if row.conditions else "")


def followers(name: str) -> list[str]:
    """The generations made from this one."""
    return [s.name for s in GENERATIONS.values() if name in s.follows]


def page(name: str, cells: list[CellVerdict]) -> str:
    """The page of one generation."""
    parts = [
        f"# {name}",
        _introduction(name, cells),
        "## Rules",
        *_rules(name),
        "## What it gets wrong",
        *_faults(name, [c for c in cells if c.semantics == name]),
        "## What changed next",
        *[text for after in followers(name) for text in _next(name, after, cells)],
    ]
    if not followers(name):
        parts.append("No generation is based on this one.")
    return "\n\n".join(parts) + "\n"


def _link(name: str) -> str:
    return f"[{name}]({name}.md)"


def _introduction(name: str, cells: list[CellVerdict]) -> str:
    """What the page gives, the result, and where the generation stands among the others."""
    before, after = GENERATIONS[name].follows, followers(name)
    reference, model = lines_of_code()[name]
    proved, refuted, unknown = counts(name, cells)
    based = f"- Based on: {', '.join(map(_link, before))}.\n" if before else ""
    then = f"- Followed by: {', '.join(map(_link, after))}.\n" if after else ""
    return (
        f"This page shows the rules of `{name}`, what it gets wrong, and what the generations based on it changed.\n\n"
        f"- Date and rules: {GENERATIONS[name].rules.summary}.\n"
        f"- Rows of the [verdict matrix](../verdict-matrix.md): {proved} hold by proof, {refuted} fail with a trace,"
        f" {unknown} unknown.\n"
        f"{based}{then}"
        f"- Size: {reference} lines in the reference, {model} in the model.\n\n{WRITTEN}"
    )


def counts(name: str, cells: list[CellVerdict]) -> tuple[int, int, int]:
    """How many rows of the matrix are proved, refuted and unknown for a generation."""
    found = [cell.verdict for cell in cells if cell.semantics == name]
    proved, refuted, unknown = (found.count(v) for v in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN))
    return proved, refuted, unknown


def _rules(name: str) -> list[str]:
    """What the code says about itself, and how it differs from the generation before."""
    cls = type(OF_REFERENCE[name])
    found = [inspect.getdoc(cls) or ""]
    methods = [m for c in cls.__mro__ if c.__module__ == cls.__module__ or _is_part(c) for m in vars(c).values()]
    said = {m.__name__: inspect.getdoc(m) for m in methods if inspect.isfunction(m) and m.__doc__}
    if said:
        found.append(
            table(
                ["function of the reference", "what it does in this generation"],
                [[f"`{n}`", _one_line(d or "")] for n, d in said.items()],
            )
        )
    for before in GENERATIONS[name].follows:
        changed = rule_changes(before, name)
        found.append(
            f"The model's rules that differ from {_link(before)}:"
            if changed
            else f"The model's rules are those of {_link(before)}."
        )
        if changed:
            body = [[_one_line(c.rule), _one_line(c.before), _one_line(c.after)] for c in changed]
            found.append(table(["rule", "before", "in this generation"], body))
    return found + _code_of_reference(name)


def _code_of_reference(name: str) -> list[str]:
    """The class, if it states only differences from the one before; else its difference from the class before."""
    cls, before = type(OF_REFERENCE[name]), GENERATIONS[name].follows
    if not before or any(isinstance(OF_REFERENCE[name], type(OF_REFERENCE[other])) for other in before):
        source = "\n\n\n".join("\n".join(text) for text in reference_source(name))
        base = cls.__mro__[1].__name__
        return [folded(f"The reference's class, based on <code>{base}</code>", f"```python\n{source}\n```")]
    diffs = {other: "\n".join(reference_diff(other, name)) for other in before}
    summary = "The reference's class, compared with that of"
    return [folded(f"{summary} {other}", f"```diff\n{diff}\n```") for other, diff in diffs.items()]


def _is_part(cls: type) -> bool:
    return cls.__module__.endswith(".parts")


def _one_line(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def _faults(name: str, cells: list[CellVerdict]) -> list[str]:
    """Each refuted property; those with the same trace together."""
    refuted = [cell for cell in cells if cell.verdict is Verdict.REFUTED]
    open_ones = [cell for cell in cells if cell.verdict is Verdict.UNKNOWN]
    unknown = [f"Unknown: {code(cell.row)}: {cell.reason}." for cell in open_ones]
    if not refuted:
        proved = sum(cell.verdict is Verdict.PROVED for cell in cells)
        return [f"Nothing: all {proved} rows of the matrix that apply to it are proved.", *unknown]
    groups: dict[str, list[CellVerdict]] = {}
    for cell in refuted:
        groups.setdefault(story(path_of(name, cell.row))[0], []).append(cell)
    found = []
    for timeline, same in sorted(groups.items(), key=lambda group: group[0].count("\n")):
        files = [path_of(name, cell.row) for cell in same]
        said = list(dict.fromkeys(text for file in files for text in story(file)[1]))
        sentences = [f"- {code(cell.row)}{_sentence(cell.row)}" for cell in same]
        checker = "\n".join(["", "", "The reference's checker says:", "", *(f"- {text}" for text in said)])
        found.append("\n".join(sentences) + f"\n\n```text\n{timeline}\n```" + (checker if said else ""))
    return [_conditions_used(refuted), *found, *unknown]


def _conditions_used(cells: Iterable[CellVerdict]) -> str:
    used = dict.fromkeys(condition for cell in cells for condition in cell.row.conditions)
    text = (
        "Each property below is refuted by a shortest trace from boot, which the reference reproduces. Properties with"
        " the same trace stand together, before the trace."
    )
    said = "".join(f"\n- *if {c}*: {CONDITIONS[c].sentence}." for c in used if c in CONDITIONS)
    return text + (f" Some fail even if callers keep conditions:\n{said}" if said else "")


def _sentence(row: MatrixRow) -> str:
    prop = PROPERTIES.get(row.part)
    return f": {prop.sentence}" if prop is not None else ""


@cache
def story(path: Path) -> tuple[str, list[str]]:
    """The timeline of a stored trace, and the violations that the reference's checker reports, with numbers."""
    (timeline,) = [compact_timeline(trace) for trace in read_traces(path)]
    (result,) = [_replayed(trace) for trace in read_traces(path)]
    wrapped = [f"in C, {result.parted}"] if result.parted else []
    return timeline, [*wrapped, *(f"{name}: {text}" for name, text in result.first_broken.items())]


def _replayed(trace: Trace) -> TraceResult:
    result = TraceResult(trace.first_line, trace.header.seed)
    ReplayWithWraps(trace, result, check_locks=False, check_properties=True).run()
    return result


def _next(name: str, after: str, cells: list[CellVerdict]) -> list[str]:
    """What the generation that follows repairs, what only it gets wrong, and where the two first differ."""
    repaired = [repair for repair in repairs(cells) if (repair.before, repair.after) == (name, after)]
    return [
        f"### {after}",
        f"{_link(after)}: {GENERATIONS[after].rules.summary}.",
        _repaired(repaired),
        _new_faults(name, after, cells),
        *_premises(repaired, name, after, cells),
        *_first_difference(name, after),
    ]


def _repaired(repaired: list[Repair]) -> str:
    if not repaired:
        return "It repairs none of the rows that fail here."
    return (
        "It repairs: "
        + "; ".join(f"{code(r.row)} ({r.now.replace('proved: ', 'proved for ')})" for r in repaired)
        + "."
    )


def _new_faults(name: str, after: str, cells: list[CellVerdict]) -> str:
    """The rows that are refuted for the later one, and were proved or not applicable before."""
    placed = by_place(cells)
    found = []
    for cell in cells:
        if cell.semantics == after and cell.verdict is Verdict.REFUTED:
            before = placed.get((name, cell.row)) or placed.get((name, MatrixRow(cell.row.part)))
            if before is not None and before.verdict in (Verdict.PROVED, Verdict.NOT_APPLICABLE):
                was = "proved here" if before.verdict is Verdict.PROVED else "not applicable here"
                was += f", for {before.reason}" if before.reason == UP_TO else ""
                found.append(f"{code(cell.row)} ({was})")
    return f"New faults: {'; '.join(found)}." if found else "Every row that holds here holds there."


def _premises(repaired: list[Repair], name: str, after: str, cells: list[CellVerdict]) -> list[str]:
    """The premises of the comparisons that are named: where one does not hold, the calls may differ."""
    named = _new_faults(name, after, cells)
    parts = [r.row.part for r in repaired] + [c.row.part for c in cells if f"`{c.row.part}`" in named]
    return notes((part, of) for part in parts for of in (name, after))


def _first_difference(before: str, after: str) -> list[str]:
    path = difference_path(before, after)
    if not path.exists():
        bounds = asked(before, after)
        hosts = f"at most {bounds.nodes} nodes, {bounds.domains} domains and {bounds.pages} pages"
        return [
            f"A search of at most {bounds.depth} events on hosts of {hosts} found no trace on which the two differ."
        ]
    boots, scenes = zip(*[(boot_line(trace), compact_scenes(trace)) for trace in read_traces(path)], strict=True)
    lines = [boots[0], *(line for scene in scenes[0][:-1] for line in scene)]
    for name, own in zip((before, after), scenes, strict=True):
        lines += [f"     with {name}:", *own[-1]]
    shown = "\n".join(lines)
    return [f"The shortest trace on which the two differ; they differ at its last event:\n\n```text\n{shown}\n```"]


def index(cells: list[CellVerdict]) -> str:
    """docs/generations/README.md."""
    return (
        "# One page per generation\n\n"
        "Each page shows the rules of one generation of claims, what it gets wrong with a shortest trace for each"
        " fault, and what the generations based on it changed. The findings of all generations are in"
        " [generations.md](../generations.md).\n\n"
        f"{overview(cells, '')}\n\n{WRITTEN.replace('this page', 'these pages')}\n"
    )


def overview(cells: list[CellVerdict], folder: str) -> str:
    """All generations, in order of time, each with what it is and how many rows of the matrix hold.

    :param folder: of the pages, as seen from the document
    """
    body = []
    for name, semantics in GENERATIONS.items():
        follows = ", ".join(f"`{other}`" for other in semantics.follows)
        link = f"[{name}]({folder}{name}.md)"
        body.append([NUMBERS[name], link, semantics.rules.summary, follows, *map(str, counts(name, cells))])
    header = ["", "generation", "date and rules", "based on", "rows that hold", "rows that fail", "rows unknown"]
    return table(header, body)


def pages(cells: list[CellVerdict]) -> dict[Path, str]:
    """Every page, and the index."""
    found = {PAGES / f"{name}.md": page(name, cells) for name in GENERATIONS}
    return {PAGES / "README.md": index(cells), **found}
