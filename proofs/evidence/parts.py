"""What a row of the matrix is about: a formula of the model, or what is judged otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from model.properties import PROPERTIES
from proofs.matrix.other_rows import OTHER_ROWS


@dataclass(frozen=True)
class PropertyPart:
    """A part of a property."""

    id: str
    kind: str
    sentence: str


def parts() -> list[str]:
    """The names of all parts."""
    return [*PROPERTIES, *OTHER_ROWS]


def about(part: str) -> PropertyPart:
    """The property that it is of, how it is shown, and what it says."""
    if part in OTHER_ROWS:
        return PropertyPart(OTHER_ROWS[part].id, "no formula", OTHER_ROWS[part].sentence)
    prop = PROPERTIES[part]
    return PropertyPart(prop.id, prop.kind.value, prop.sentence)
