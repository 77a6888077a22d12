"""The JSON Schema of a line of a trace, made from the types. ``python -m proofs.traces.schema FILE`` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from proofs.operations import Events2

from .events import FORMAT_1, FORMAT_2, Header


def json_schema() -> dict[str, Any]:
    """Schema (2020-12) of one line: a header or an event."""
    (header, events), definitions = msgspec.json.schema_components([Header, Events2], ref_template="#/$defs/{name}")
    for name in ("State", "DomainCounters"):
        del definitions[name]["required"]  # claim-trace/2: what an event does not observe is not there
    definitions["State"]["properties"]["partial"] = {"type": "boolean", "default": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"a line of {FORMAT_1} or {FORMAT_2}",
        "oneOf": [header, events],
        "$defs": definitions,
    }


def rendered() -> str:
    """The schema as the published file has it."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(rendered(), encoding="utf-8")
