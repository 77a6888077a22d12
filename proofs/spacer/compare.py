"""Compares two invariants: which conjuncts of each follow from the other."""

from __future__ import annotations

import msgspec
import z3

from model.properties import PROPERTIES
from proofs.obligations.obligation import Obligation, bounded
from proofs.prover.verdict import Settings, Verdict
from proofs.spacer.certify import follows
from proofs.spacer.clauses import conjuncts
from proofs.spacer.readable import readable
from proofs.spacer.target import System

NOT_FOLLOWED = "speaks of what was not followed"


class Conjunct(msgspec.Struct, frozen=True):
    """A conjunct of an invariant, and whether the other invariant implies it."""

    invariant: str
    """The name of the hand-written invariant; empty: it is Spacer's."""
    text: str
    implied: Verdict
    """Whether it follows; not applicable: `NOT_FOLLOWED`."""


def by_hand(system: System) -> dict[str, list[z3.BoolRef]]:
    """The invariants that proofs of the target's properties assume, for each node and domain."""
    target = system.target
    names: list[str] = []
    for prop in target.parts():
        asked = Obligation(
            target.semantics, prop.name, "create_domain", bounded(target.nodes, target.domains), target.conditions
        )
        names += asked.assumptions()
    return {name: conjuncts(system.about(PROPERTIES[name])) for name in dict.fromkeys(names)}


def compared(
    system: System, spacers: list[z3.BoolRef], hand: dict[str, list[z3.BoolRef]], settings: Settings
) -> tuple[list[Conjunct], list[Conjunct]]:
    """Spacer's conjuncts, each with whether the hand-written invariants imply it; and vice versa."""
    written = [part for parts in hand.values() for part in parts]
    ours = [Conjunct("", text, follows(written, part, settings)) for text, part in paired(spacers)]
    known = {str(cell) for cell in system.cells(system.state)}
    theirs = []
    for name, parts in hand.items():
        for part in parts:
            spoken_of = {str(term) for term in z3.z3util.get_vars(part)}
            verdict = follows(spacers, part, settings) if spoken_of <= known else Verdict.NOT_APPLICABLE
            theirs.append(Conjunct(name, readable(part), verdict))
    return ours, theirs


def paired(invariant: list[z3.BoolRef]) -> list[tuple[str, z3.BoolRef]]:
    """The conjuncts as text; two opposite inequalities become an equation."""
    texts = {readable(part): part for part in invariant}
    found: dict[str, z3.BoolRef] = {}
    for text, part in texts.items():
        sides = text.split(" <= ")
        turned = " <= ".join(reversed(sides))
        if len(sides) != 2 or turned not in texts or " or " in text:
            found[text] = part
        elif f"{sides[1]} = {sides[0]}" not in found:
            found[f"{sides[0]} = {sides[1]}"] = z3.And(part, texts[turned])
    return sorted(found.items())


def without_needless(invariant: list[z3.BoolRef], settings: Settings) -> list[z3.BoolRef]:
    """The invariant without the conjuncts that follow from the others."""
    kept = list(invariant)
    for part in invariant:
        others = [other for other in kept if not other.eq(part)]
        if len(others) < len(kept) and follows(others, part, settings) is Verdict.PROVED:
            kept = others
    return kept
