"""Properties on the command line, named as the matrix shows them: `claims-protected.backed if nothing-offlined`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from proofs.cli.names import known


class PropertyName(NamedTuple):
    """A property, or a part of one, and the conditions it is granted."""

    id: str
    part: str = ""
    """Empty: every part."""
    conditions: tuple[str, ...] | None = None
    """None: on whatever conditions it is judged."""

    def covers(self, part: str, conditions: tuple[str, ...], claimed: bool = True) -> bool:
        """Whether a judgement of this part on these conditions answers for the name.

        A property that holds on fewer conditions holds on the named ones.

        :param claimed: the judgement is not one that only shows why a condition is needed
        """
        if self.part not in ("", part) or self.id != part.partition(".")[0]:
            return False
        return self.conditions is None or (claimed and set(conditions) <= set(self.conditions))


def known_properties(given: Iterable[str], parts: Iterable[str]) -> list[PropertyName]:
    """The properties given, each checked; all of them for `all` and where none is given.

    :param parts: every part there is: `claims-protected.backed`; the property is what is before the dot
    :raises click.UsageError: there is no such property or condition
    """
    from model.properties.conditions import CONDITIONS

    every = list(parts)
    ids = list(dict.fromkeys(part.partition(".")[0] for part in every))
    texts = list(given)
    if not texts or "all" in texts:
        return [PropertyName(id) for id in ids]
    found = []
    for text in texts:
        name, given_if, granted = text.partition(" if ")
        known("property", [name], [*ids, *every])
        conditions = (
            tuple(known("condition", re.split(r",\s*|\s+and\s+", granted.strip()), list(CONDITIONS)))
            if given_if
            else None
        )
        found.append(PropertyName(name.partition(".")[0], name if name not in ids else "", conditions))
    return found
