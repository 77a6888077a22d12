"""Every deliberate mistake by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from proofs.mistakes import allocating, claiming
from proofs.mistakes.bounds import BOUNDS
from proofs.mistakes.edits import EDITS, Edit
from proofs.mistakes.in_rules import RULES, MistakenRule
from proofs.mistakes.in_steps import STEPS, MistakenStep
from proofs.mistakes.override import Override


@dataclass(frozen=True)
class Mistake:
    """One mistake, with its change in the model, in the reference, or in both."""

    name: str
    sentence: str
    rules: MistakenRule | None = None
    """The change in the rules of the model; None: there is no such change."""
    step: MistakenStep | None = None
    """The change in one critical section of the model; None: there is no such change."""
    override: type[Override] | None = None
    """The change in the reference; None: there is no such change."""
    edit: Edit | None = None
    """The change in the reference's source; None: there is no such change."""

    @property
    def generations(self) -> list[str]:
        """The generations of the reference that it changes; an edit is searched for in one."""
        if self.edit is not None:
            return [self.edit.semantics]
        return [] if self.override is None else self.override.fits()


def _name(override: type[Override]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "-", override.__name__).lower()


OVERRIDES: dict[str, type[Override]] = {
    _name(override): override
    for module in (allocating, claiming)
    for override in vars(module).values()
    if isinstance(override, type) and issubclass(override, Override) and override is not Override
}
"""``NoRecall`` is ``no-recall``."""


def _catalogue() -> dict[str, Mistake]:
    """:raises ValueError: two mistakes have the same name"""
    found = {
        name: Mistake(name, override.sentence(), RULES.get(name), override=override)
        for name, override in OVERRIDES.items()
    }
    others = [Mistake(name, change.sentence, change) for name, change in RULES.items() if name not in OVERRIDES]
    others += [Mistake(name, change.sentence, step=change) for name, change in STEPS.items()]
    for mistake in [*others, *(Mistake(edit.name, edit.sentence, edit=edit) for edit in (*EDITS, *BOUNDS))]:
        if mistake.name in found:
            raise ValueError(f"two mistakes are named {mistake.name}: rename one of them")
        found[mistake.name] = mistake
    return found


CATALOGUE: dict[str, Mistake] = _catalogue()
OF_REFERENCE: list[str] = [name for name, mistake in CATALOGUE.items() if mistake.generations]
"""The mistakes for `claimcheck serve`, `diff` and `fuzz`; those for `prove` and `search` are in `IN_MODEL`."""
FORMER = {"redeem-skips-step-3": "redeem-without-step-3", "host-check-only": "node-check-ignores-claims"}
"""Earlier names of mistakes, still accepted on the command line."""
