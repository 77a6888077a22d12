"""docs/claim-sets-weaknesses.md and docs/per-node-v8.md: their traces and verdicts. `make questions`.

By default the documents show the stored traces and verdicts; --search first repeats the searches and proofs (minutes).
"""

import sys
from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path

from docs._make.blocks import Maker, Output, folded, parser, table
from docs._make.host_check import claims
from proofs.explain.compact import compact_timeline
from proofs.matrix.rows import MatrixRow
from proofs.matrix.verdicts import load
from proofs.parallel import default_jobs
from proofs.prover.verdict import Verdict
from proofs.questions import claim_sets, per_node
from proofs.questions.bearing import in_words
from proofs.questions.contrast import contrast
from proofs.questions.question import Question, StoredQuestion, write
from proofs.questions.variants import (
    DEAD,
    GRID,
    LIMIT,
    OTHERS,
    PER_NODE,
    STASH,
    STORED,
    VariantVerdict,
    dump,
    judge_all,
    stored,
)
from proofs.refinement.premises import notes
from proofs.review.lock_costs import OPERATIONS, locks_taken
from proofs.traces import read_traces

QUESTIONS: dict[str, Question] = {**claim_sets.QUESTIONS, **per_node.QUESTIONS}
DOCUMENTS = (Path("docs/claim-sets-weaknesses.md"), Path("docs/per-node-v8.md"))


def trace(name: str) -> str:
    """A question's trace as a timeline, what it shows, and the same calls elsewhere."""
    question, found = QUESTIONS[name], StoredQuestion(QUESTIONS[name])
    (timeline,) = [compact_timeline(t) for t in read_traces(question.path)]
    where = f"`{question.path}`, {question.semantics}, {len(found.events)} events."
    lines = [f"{question.asks} {where}", "", "```text", timeline, "```", "", f"**{found.shows}**"]
    if found.breaks:
        lines[-1] += f" The reference's checker reports a violation of {', '.join(f'`{b}`' for b in found.breaks)}."
    return "\n".join([*lines, *_compared(question, found)])


def _compared(question: Question, found: StoredQuestion) -> list[str]:
    lines = []
    for name in question.compared:
        other = contrast(found.nodes, found.events, question.semantics, name)
        differs = f"event {other.differs_at}, `{other.op}`, {other.ends}" if other.differs_at else "the same happens"
        lines.append(f"- With `{name}`: {differs}.")
    return ["", *lines] if lines else []


def summary() -> str:
    """The questions about claim sets in a table."""
    body = []
    for number, question in enumerate(claim_sets.QUESTIONS.values(), 1):
        found = StoredQuestion(question)
        other = contrast(found.nodes, found.events, question.semantics, claim_sets.HARDENED)
        hardened = f"prevented at event {other.differs_at}" if other.differs_at else "the same happens"
        breaks = ", ".join(f"`{b}`" for b in found.breaks)
        events = str(len(found.events))
        body.append([str(number), question.asks, events, breaks, in_words(question.bears_on), hardened])
    return table(
        [
            "",
            "what happens",
            "events",
            "properties violated",
            "statements of the design",
            "same calls under `claim-sets-hardened`",
        ],
        body,
    )


@cache
def _verdicts() -> dict[tuple[str, MatrixRow], VariantVerdict]:
    return {(v.semantics, MatrixRow(v.part, v.conditions)): v for v in stored()}


def _mark(name: str, row: MatrixRow) -> str:
    return _verdicts()[name, row].mark


def _yes(part: str, name: str) -> str:
    return "yes" if part in name.split("+") else ""


GRID_LEGEND = (
    "The first five columns say which changes are made; `limit-read-unlocked` and `charged-at-alloc` exclude each"
    " other. In the last three, `+` is a proof for any host; `xN` is a shortest violating trace of N events."
)


def grid() -> str:
    """The smallest sets of changes that keep each property; then every combination, folded."""
    columns = [
        "limbo-counted",
        "low-limit-refused",
        "limit-read-unlocked",
        "charged-at-alloc",
        "claims-checked-at-assign",
    ]
    body = [[*(_yes(c, name) for c in columns), *(_mark(name, row) for row in LIMIT)] for name in GRID]
    lines = []
    for row in LIMIT:
        ways = [" and ".join(f"`{part}`" for part in sorted(parts)) for parts in smallest(row)]
        lines.append(f"- {_code(row)} holds exactly if the changes include {'; or '.join(ways)}.")
    shown = table([*(f"`{c}`" for c in columns), *map(_code, LIMIT)], body)
    combinations = folded(f"All {len(GRID)} combinations of the five changes", f"{GRID_LEGEND}\n\n{shown}")
    return "\n".join([*lines, "", combinations])


def smallest(row: MatrixRow) -> list[set[str]]:
    """The smallest sets of parts of the grid that prove a row.

    :raises ValueError: not every larger set proves it too
    """
    sets = {name: set(name.split("+")[1:]) for name in GRID}
    proved = [parts for name, parts in sets.items() if _mark(name, row) == "+"]
    least = [parts for parts in proved if not any(other < parts for other in proved)]
    if any(any(few <= parts for few in least) != (parts in proved) for parts in sets.values()):
        raise ValueError(f"{row.name} is not kept exactly by its smallest sets")
    return least


def _verdict_table(asked: Mapping[str, Iterable[MatrixRow]]) -> str:
    body = []
    for name, rows in asked.items():
        for found in (_verdicts()[name, row] for row in rows):
            conditions = f" if {' and '.join(found.conditions)}" if found.conditions else ""
            body.append([f"`{name}`", f"`{found.part}`{conditions}", found.mark, ", ".join(found.events)])
    shown = table(["rules", "property", "verdict", "shortest trace"], body)
    return f"`+`: proved for any host. `xN`: refuted by a shortest trace of N events.\n\n{shown}"


def dead() -> str:
    """What the check under the locks repairs for dead domains."""
    return _verdict_table(DEAD)


def hardened() -> str:
    """The matrix's verdicts on hardened claim sets."""
    cells = [cell for cell in load() if cell.semantics == claim_sets.HARDENED]
    proved = sum(cell.verdict is Verdict.PROVED for cell in cells)
    others = [c for c in cells if c.verdict is not Verdict.PROVED]
    other = [f"{_code(c.row)}: {c.verdict.value}" + (f" ({c.reason})" if c.reason else "") for c in others]
    but = f" Not proved for `{claim_sets.HARDENED}`: {', '.join(other)}." if others else ""
    said = f"Of {len(cells)} rows of the matrix, {proved} are proved for `{claim_sets.HARDENED}`, without conditions."
    return "\n\n".join([f"{said}{but}", *notes((c.row.part, c.semantics) for c in cells)])


def _code(row: MatrixRow) -> str:
    return f"`{row.part}`" + (f" if {' and '.join(row.conditions)}" if row.conditions else "")


def locks() -> str:
    """Locks by operation, before and after."""
    names = (claim_sets.NAME, claim_sets.HARDENED)
    body = [[f"`{operation}`", *(locks_taken(name, operation) for name in names)] for operation in OPERATIONS]
    return table(["operation", *(f"`{name}`" for name in names)], body)


def host_check() -> str:
    """What is proved about the two host checks."""
    return table(
        ["statement, for any host on which claims are backed", "verdict"],
        [[c.sentence, c.verdict.value] for c in claims()],
    )


BLOCKS: dict[str, Maker] = {
    "summary": summary,
    "grid": grid,
    "others": lambda: _verdict_table(OTHERS),
    "dead": dead,
    "stash": lambda: _verdict_table(STASH),
    "hardened": hardened,
    "locks": locks,
    "host-check": host_check,
    "per-node-variants": lambda: _verdict_table(PER_NODE),
    **{f"trace-{name}": partial(trace, name) for name in QUESTIONS},
}


def search_again(output: Output) -> None:
    """Search every trace and judge every variant."""
    output.changed += write(list(QUESTIONS.values()), only_say=output.check)
    output.write(STORED, dump(judge_all(default_jobs())))


def main(arguments: list[str]) -> int:
    """Write the documents."""
    options = parser("questions", __doc__)
    options.add_argument("--search", action="store_true", help="search the traces and judge the variants again")
    given = options.parse_args(arguments)
    output = Output(given.check)
    if given.search:
        search_again(output)
    for path in DOCUMENTS:
        output.renew(path, BLOCKS)
    return output.ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
