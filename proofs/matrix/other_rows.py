"""The rows of the matrix that are no formulas: what needs the heap, and statements about code instead of states."""

from collections.abc import Callable
from dataclasses import dataclass

from model.named import LACKS, Generation
from model.properties import PROPERTIES
from proofs.matrix import lock_order
from proofs.obligations.suite import property_ids
from proofs.prover.verdict import Verdict
from proofs.search.on_reference import ReferenceSearchRequest, search_reference
from proofs.search.row_verdict import RowVerdict

Judge = Callable[[str, tuple[str, ...]], RowVerdict]
NOTHING_OFFLINED = ("nothing-offlined",)
DEPTH = 4


@dataclass(frozen=True)
class OtherRow:
    """A part of a property that is judged without the solver, or not by it alone."""

    part: str
    sentence: str
    judge: Judge
    needs: str = ""
    """A feature without which it says nothing about a generation."""
    conditions: tuple[str, ...] = ()
    """On these it is tried again; that it does not hold without is known before."""
    promised: bool = False
    """The design of claim sets says so."""
    statements: tuple[str, ...] = ()
    """The statements of the design that it bears on."""

    @property
    def id(self) -> str:
        """The property."""
        return self.part.partition(".")[0]

    def says_nothing(self, semantics: Generation) -> str:
        """Why it is not applicable; empty if it is."""
        return LACKS[self.needs] if self.needs and semantics.lacks(self.needs) else ""


def _superpage(part: str) -> Judge:
    """Searched on the reference, breadth first: which blocks are free is up to the heap, which is not in the model."""

    def judge(semantics: str, conditions: tuple[str, ...]) -> RowVerdict:
        without = ("offline_page",) if "nothing-offlined" in conditions else ()
        trace = search_reference(ReferenceSearchRequest(semantics, part, DEPTH, without=without)).trace
        if trace is None:
            return RowVerdict(Verdict.UNKNOWN, f"no trace of at most {DEPTH} events on 2 nodes, 3 pages and 2 domains")
        return RowVerdict(Verdict.REFUTED, "", trace)

    return judge


OTHER_ROWS: dict[str, OtherRow] = {
    row.part: row
    for row in (
        OtherRow(
            "superpage-fulfilled.node",
            "A live domain whose claim on a node covers a block of two pages or more can get one there.",
            _superpage("superpage-fulfilled.node"),
            "node-claims",
            NOTHING_OFFLINED,
        ),
        OtherRow(
            "superpage-fulfilled.anywhere",
            "A live domain whose claims cover a block of two pages or more can get one from somewhere.",
            _superpage("superpage-fulfilled.anywhere"),
            conditions=NOTHING_OFFLINED,
        ),
        OtherRow(
            lock_order.NAME,
            "Every counter is touched under its lock only, and page_alloc_lock is never taken under heap_lock.",
            lock_order.judge,
            promised=True,
            statements=("DS-24",),
        ),
    )
}


def other_ids() -> list[str]:
    """The properties of these rows, each once."""
    return list(dict.fromkeys(row.id for row in OTHER_ROWS.values()))


def matrix_parts() -> list[str]:
    """The parts of all properties, those that are formulas first."""
    return [*PROPERTIES, *OTHER_ROWS]


def matrix_ids() -> list[str]:
    """The properties of all rows, those that are formulas first."""
    return list(dict.fromkeys([*property_ids(), *other_ids()]))
