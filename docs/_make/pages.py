"""docs/generations/<name>.md: rules, faults with traces, and what changed next, from the code and from findings."""

import inspect
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docs._make.blocks import table
from model.named import GENERATIONS
from model.properties import PROPERTIES
from model.properties.conditions import CONDITIONS
from proofs.c_typed.wraps import ReplayWithWraps
from proofs.explain.compact import boot_line, compact_scenes, compact_timeline
from proofs.explain.source import lines_of_code, reference_diff, reference_source, rule_changes
from proofs.matrix.cells import CellVerdict
from proofs.matrix.differences import asked
from proofs.matrix.differences import path_of as difference_path
from proofs.matrix.findings import path_of
from proofs.matrix.report import Repair, by_place, mark, repairs
from proofs.matrix.rows import MatrixRow
from proofs.prover.verdict import Verdict
from proofs.replay.replay import TraceResult
from proofs.traces import Trace, read_traces
from reference.generations import GENERATIONS as OF_REFERENCE

PAGES = Path("docs/generations")
WRITTEN = "Written by `make matrix` from the code and from what a run found; every trace is in `tests/data/`."


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
        _line_of_descent(name),
        "## Rules",
        *_rules(name),
        "## What it gets wrong",
        *_faults(name, [c for c in cells if c.semantics == name]),
        "## What changed next",
        *[text for after in followers(name) for text in _next(name, after, cells)],
    ]
    if not followers(name):
        parts.append("Nothing: no generation was made from this one.")
    return "\n\n".join(parts) + "\n"


def _link(name: str) -> str:
    return f"[{name}]({name}.md)"


def _line_of_descent(name: str) -> str:
    before, after = GENERATIONS[name].follows, followers(name)
    reference, model = lines_of_code()[name]
    made = f"Made from {' and '.join(map(_link, before))}. " if before else ""
    then = f"Followed by {' and '.join(map(_link, after))}. " if after else ""
    lines = f"{reference} lines in the reference, {model} in the model."
    return f"{GENERATIONS[name].rules.summary}. {made}{then}{lines}\n\n{WRITTEN}"


def _rules(name: str) -> list[str]:
    """What the code says of itself, and how it differs from what came before."""
    cls = type(OF_REFERENCE[name])
    found = [inspect.getdoc(cls) or ""]
    methods = [m for c in cls.__mro__ if c.__module__ == cls.__module__ or _is_part(c) for m in vars(c).values()]
    said = {m.__name__: inspect.getdoc(m) for m in methods if inspect.isfunction(m) and m.__doc__}
    if said:
        found.append(
            table(["function", "what it does here"], [[f"`{n}`", _one_line(d or "")] for n, d in said.items()])
        )
    for before in GENERATIONS[name].follows:
        changed = rule_changes(before, name)
        found.append(f"In the model, against {_link(before)}:" if changed else f"In the model as {_link(before)}.")
        if changed:
            body = [[_one_line(c.rule), _one_line(c.before), _one_line(c.after)] for c in changed]
            found.append(table(["rule", "before", "here"], body))
    return found + _code_of_reference(name)


def _code_of_reference(name: str) -> list[str]:
    """The class where it says only what is otherwise than before; else its difference from the class before."""
    cls, before = type(OF_REFERENCE[name]), GENERATIONS[name].follows
    if not before or any(isinstance(OF_REFERENCE[name], type(OF_REFERENCE[other])) for other in before):
        source = "\n\n\n".join("\n".join(text) for text in reference_source(name))
        return [f"In the reference, on `{cls.__mro__[1].__name__}`:\n\n```python\n{source}\n```"]
    diffs = {other: "\n".join(reference_diff(other, name)) for other in before}
    return [f"In the reference, against {_link(o)}:\n\n```diff\n{diff}\n```" for o, diff in diffs.items()]


def _is_part(cls: type) -> bool:
    return cls.__module__.endswith(".parts")


def _one_line(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def _faults(name: str, cells: list[CellVerdict]) -> list[str]:
    """Each refuted property; those with the same trace together."""
    refuted = [cell for cell in cells if cell.verdict is Verdict.REFUTED]
    open_ones = [cell for cell in cells if cell.verdict is Verdict.UNKNOWN]
    unknown = [f"Not decided: {code(cell.row)}: {cell.reason}." for cell in open_ones]
    if not refuted:
        proved = sum(cell.verdict is Verdict.PROVED for cell in cells)
        return [f"Nothing was found: all {proved} rows of the matrix that say something about it are proved.", *unknown]
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
    text = "Refuted, each by a shortest trace from boot that the reference reproduces; the same trace is shown once."
    said = "".join(f"\n- *if {c}*: {CONDITIONS[c].sentence}." for c in used if c in CONDITIONS)
    return text + (f" Some are refuted also on conditions:\n{said}" if said else "")


def _sentence(row: MatrixRow) -> str:
    prop = PROPERTIES.get(row.part)
    return f": {prop.sentence}" if prop is not None else ""


@cache
def story(path: Path) -> tuple[str, list[str]]:
    """The timeline of a stored trace, and what the reference's checker finds broken on the way, with numbers."""
    (timeline,) = [compact_timeline(trace) for trace in read_traces(path)]
    (result,) = [_replayed(trace) for trace in read_traces(path)]
    wrapped = [f"in C, {result.parted}"] if result.parted else []
    return timeline, [*wrapped, *(f"{name}: {text}" for name, text in result.first_broken.items())]


def _replayed(trace: Trace) -> TraceResult:
    result = TraceResult(trace.first_line, trace.header.seed)
    ReplayWithWraps(trace, result, check_locks=False, check_properties=True).run()
    return result


def _next(name: str, after: str, cells: list[CellVerdict]) -> list[str]:
    """What the generation that follows repairs, what it gets wrong anew, and where the two differ first."""
    repaired = [repair for repair in repairs(cells) if (repair.before, repair.after) == (name, after)]
    return [
        f"### {after}",
        f"{_link(after)}: {GENERATIONS[after].rules.summary}.",
        _repaired(repaired),
        _new_faults(name, after, cells),
        *_first_difference(name, after),
    ]


def _repaired(repaired: list[Repair]) -> str:
    if not repaired:
        return "It repairs none of the rows refuted here."
    return (
        "It repairs: "
        + "; ".join(f"{code(r.row)} ({r.now.replace('proved: ', 'proved for ')})" for r in repaired)
        + "."
    )


def _new_faults(name: str, after: str, cells: list[CellVerdict]) -> str:
    """What is refuted for the later one, and was proved, or said nothing, before."""
    placed = by_place(cells)
    found = []
    for cell in cells:
        if cell.semantics == after and cell.verdict is Verdict.REFUTED:
            before = placed.get((name, cell.row)) or placed.get((name, MatrixRow(cell.row.part)))
            if before is not None and before.verdict in (Verdict.PROVED, Verdict.NOT_APPLICABLE):
                was = "proved here" if before.verdict is Verdict.PROVED else "not applicable here"
                found.append(f"{code(cell.row)} ({was})")
    return f"New faults: {'; '.join(found)}." if found else "No row that holds here is refuted there."


def _first_difference(before: str, after: str) -> list[str]:
    path = difference_path(before, after)
    if not path.exists():
        bounds = asked(before, after)
        hosts = f"at most {bounds.nodes} nodes, {bounds.domains} domains and {bounds.pages} pages"
        return [f"No trace of at most {bounds.depth} events was found on which the two differ, on hosts of {hosts}."]
    boots, scenes = zip(*[(boot_line(trace), compact_scenes(trace)) for trace in read_traces(path)], strict=True)
    lines = [boots[0], *(line for scene in scenes[0][:-1] for line in scene)]
    for name, own in zip((before, after), scenes, strict=True):
        lines += [f"     with {name}:", *own[-1]]
    shown = "\n".join(lines)
    return [f"The shortest trace on which the two differ, at its last event:\n\n```text\n{shown}\n```"]


def index(cells: list[CellVerdict]) -> str:
    """docs/generations/README.md: a line a generation."""
    body = []
    for name, semantics in GENERATIONS.items():
        marks = [mark(cell) for cell in cells if cell.semantics == name]
        counts = [sum(m.startswith(sign) for m in marks) for sign in ("+", "x")]
        body.append([_link(name), semantics.rules.summary, *map(str, counts)])
    header = ["generation", "what", "rows proved", "rows refuted"]
    return f"# A page a generation\n\n{WRITTEN}\n\n{table(header, body)}\n"


def pages(cells: list[CellVerdict]) -> dict[Path, str]:
    """Every page, and the index."""
    found = {PAGES / f"{name}.md": page(name, cells) for name in GENERATIONS}
    return {PAGES / "README.md": index(cells), **found}
