"""What is assumed of every state that functions are called in, in words."""

from __future__ import annotations

from model.properties import PROPERTIES
from proofs.diff.run import assumed_of

from .mapping import LoadedMap


def assumptions(loaded: LoadedMap, generation: str) -> list[str]:
    """The assumptions that a map's functions are judged under."""
    names = [*assumed_of(generation), *loaded.map.assume.properties]
    found = [f"{name}: {PROPERTIES[name].sentence}" for name in names]
    most = loaded.map.assume.most_pages
    limit = f"2^{most.bit_length() - 1}" if most & (most - 1) == 0 else f"{most:,}"
    found.append(f"every counter is in the range of its type in C, and at most {limit} pages")
    for operation, mapped in loaded.map.operations.items():
        found += [f"before {operation}, {name}: {PROPERTIES[name].sentence}" for name in mapped.assume]
    return [*found, "all domains are on the domain list, and none has a stash"]
