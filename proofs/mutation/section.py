"""The mutants as a section of the report: what the last whole run stored, if that was of this code."""

from __future__ import annotations

import msgspec

from proofs.evidence.request import EvidenceRequest
from proofs.evidence.structure import EvidenceTable, NotRun, Tables
from proofs.mutation.documents import BLOCKS, rows, unexplained
from proofs.mutation.mutant import SIDES
from proofs.mutation.stored import RESULTS, fingerprint, read


def collected(_request: EvidenceRequest) -> Tables | NotRun:
    """A table for each side, operators by what ended their mutants."""
    try:
        about, results = read()
    except (OSError, msgspec.DecodeError, ValueError) as error:
        return NotRun(f"{RESULTS} cannot be read: {error}")
    if about.code != fingerprint():
        return NotRun(f"{RESULTS} is of other code of reference and model: `make mutation`")
    tables = []
    for side in SIDES:
        header, body = rows([r for r in results if r.mutant.side == side], lambda r: r.mutant.operator)
        tables.append(EvidenceTable(f"Mutants of the {side}", ["operator", *header[1:]], body))
    tables[0].note = BLOCKS["totals"](about, results)
    return Tables(seconds=about.seconds, tables=tables, ok=not unexplained(results))
