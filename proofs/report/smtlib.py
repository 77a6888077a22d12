"""The SMT-LIB text of every obligation, packed into the report."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from proofs.evidence.structure import Proof
from proofs.obligations.obligation import Obligation
from proofs.obligations.problem import problem
from proofs.parallel import in_processes
from proofs.prover.solve import smtlib


def packed(
    obligations: list[Obligation], results: list[Proof], jobs: int, built: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, list[str]]:
    """Name to text, as JSON, gzip and base64; and the names whose text has not the hash that the evidence gives.

    Ctrl-C raises KeyboardInterrupt.

    :param built: the texts that the prover built in the same run; the others are built here, which takes as long
    """
    hashes = {result.name: result.sha256 for result in results}
    wanted = [obligation for obligation in obligations if obligation.name in hashes]
    texts = {obligation.name: built[obligation.name] for obligation in wanted if obligation.name in built}
    rest = [obligation for obligation in wanted if obligation.name not in texts]
    chunks = [rest[i :: jobs * 4] for i in range(jobs * 4)]
    for _, part in in_processes(_texts, [chunk for chunk in chunks if chunk], jobs) if rest else ():
        texts.update(part)
    if len(texts) < len(wanted):
        raise KeyboardInterrupt
    differ = sorted(n for n in hashes if n not in texts or hashlib.sha256(texts[n].encode()).hexdigest() != hashes[n])
    whole = {o.name: texts[o.name] for o in wanted if o.name in texts and o.name not in differ}
    return base64.b64encode(gzip.compress(msgspec.json.encode(whole), mtime=0)).decode(), differ


def _texts(obligations: list[Obligation]) -> dict[str, str]:
    return {obligation.name: smtlib(problem(obligation)) for obligation in obligations}
