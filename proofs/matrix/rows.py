"""The rows of the matrix: parts of properties, without conditions and with those that may be granted."""

from dataclasses import dataclass

from model.named import GENERATIONS, Generation
from model.properties import PROPERTIES, Property
from proofs.matrix.other_rows import OTHER_ROWS, OtherRow
from proofs.obligations.suite import lacking, places

DESIGN = "claim-sets"
"""The generation whose conditions are granted to all."""
OTHERWISE = ("nothing-offlined",)
"""What is granted where the design needs no condition: recall is what it has against offlining."""

KINDS_OF_REQUESTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "unclaimed-only": (("node-insisted-on",), ("claimants-refcounted",)),
    "host-backed": (("nothing-offlined",),),
    "claims-fulfilled.granted": (("nothing-offlined",),),
    "claims-fulfilled.granted-on-node": (("nothing-offlined",),),
    "no-claims-lost": (
        ("limit-not-lowered", "requests-within-limit"),
        ("limit-not-lowered", "requests-within-limit", "requests-within-claims"),
    ),
}
"""Properties of requests that are judged of some kinds of requests, too: two generations may fail by different ones."""


@dataclass(frozen=True)
class MatrixRow:
    """A part of a property, and conditions that every caller keeps."""

    part: str
    conditions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For a table: `node-backed if nothing-offlined`."""
        return f"{self.part} if {' and '.join(self.conditions)}" if self.conditions else self.part


def granted(prop: Property) -> list[tuple[str, ...]]:
    """The conditions on which a property that does not hold is tried again, each by itself."""
    return [GENERATIONS[DESIGN].conditions_of(prop) or OTHERWISE, *KINDS_OF_REQUESTS.get(prop.name, ())]


def parts(ids: list[str] | None = None) -> list[Property]:
    """What is judged: every part of these properties, or of all, without the supporting invariants."""
    return [p for p in PROPERTIES.values() if not p.support and (ids is None or p.id in ids)]


def rows() -> list[MatrixRow]:
    """All rows, a property without conditions before the same with conditions; those that are no formulas last."""
    formulas = [MatrixRow(p.name, conditions) for p in parts() for conditions in ((), *granted(p))]
    return formulas + [row for other in OTHER_ROWS.values() for row in rows_of(other)]


def rows_of(other: OtherRow) -> list[MatrixRow]:
    """The rows of what is no formula."""
    return [MatrixRow(other.part), *([MatrixRow(other.part, other.conditions)] if other.conditions else [])]


def says_nothing(prop: Property, semantics: Generation) -> str:
    """Why a property is not applicable to a generation; empty if it is. By what the generation can do."""
    lacks = lacking(prop, semantics)
    if lacks:
        return lacks
    return "" if places(prop, semantics) else "no step is of the kind that the property is about"


def promised(semantics: str, row: MatrixRow) -> bool:
    """Whether the design says so itself. Of the other generations nothing is claimed: the matrix says what they do."""
    if row.part in OTHER_ROWS:
        return semantics == DESIGN and OTHER_ROWS[row.part].promised
    return semantics == DESIGN and row.conditions == GENERATIONS[DESIGN].conditions_of(PROPERTIES[row.part])
