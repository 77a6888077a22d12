"""Evidence of a small run, collected once: two generations, two properties, the first traces of the recordings."""

import hashlib
from collections.abc import Iterator
from functools import partial

import msgspec
import pytest

from proofs.evidence import recordings, shown
from proofs.evidence.collect import collected
from proofs.evidence.further import FURTHER
from proofs.evidence.request import EvidenceRequest
from proofs.evidence.shown import asked
from proofs.evidence.structure import Evidence, Proof
from proofs.obligations.obligation import Obligation
from proofs.report import html, smtlib
from proofs.traces import TraceWriter, read_traces
from tests.evidence.pages import with_a_crash
from tests.once import once_in_a_run

GENERATIONS = ["claim-sets-no-recall", "claim-sets"]
PROPERTIES = ["node-backed", "dead-hold-nothing"]
CALLS = ("offline_page", "domain_kill", "alloc_heap_pages")
"""Of which the obligations are proved."""
TRACES = 2
LEFT_OUT = frozenset({"tests", *FURTHER})
"""Sections that take long; they have tests of their own."""


@pytest.fixture(scope="session")
def short_recordings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A checkout with the first traces of the recording only."""
    checkout = tmp_path_factory.mktemp("checkout")
    folder = checkout / recordings.FOLDER.relative_to(recordings.CHECKOUT)
    folder.mkdir(parents=True)
    with TraceWriter(folder / "claim-sets.jsonl.gz") as writer:
        for number, trace in enumerate(read_traces(recordings.FOLDER / "claim-sets.jsonl.gz")):
            if number == TRACES:
                break
            list(trace)
            writer.raw(trace.raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recordings, "CHECKOUT", checkout)
        patch.setattr(recordings, "FOLDER", folder)
        yield


@pytest.fixture(autouse=True, scope="session")
def obligations_of_few_calls() -> Iterator[None]:
    """All of them take several seconds; test_verify.py and test_report.py have all of one property in the long run."""

    def few(request: EvidenceRequest) -> list[Obligation]:
        return [one for one in asked(request) if one.transition in CALLS]

    with pytest.MonkeyPatch.context() as patch:
        for module in (shown, html):
            patch.setattr(module, "asked", few)
        yield


@pytest.fixture(autouse=True, scope="session")
def texts_built_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every page holds the SMT-LIB texts of the same proofs: each is built once in a run."""
    built: dict[str, str] = {}

    def packed(obligations: list[Obligation], results: list[Proof], *more: object) -> tuple[str, list[str]]:
        wanted = sorted({result.name for result in results} - built.keys())
        if wanted:
            name = f"texts-{hashlib.sha256(repr(wanted).encode()).hexdigest()}.json"
            built.update(
                msgspec.json.decode(once_in_a_run(tmp_path_factory, name, partial(texts, obligations, wanted)))
            )
        return smtlib.packed(obligations, results, 1, built)

    def texts(obligations: list[Obligation], wanted: list[str]) -> bytes:
        return msgspec.json.encode(smtlib._texts([one for one in obligations if one.name in wanted]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "packed", packed)
        yield


def _collected(factory: pytest.TempPathFactory, stored: bool) -> Evidence:
    def collect() -> bytes:
        return msgspec.json.encode(collected(EvidenceRequest(GENERATIONS, PROPERTIES, LEFT_OUT, jobs=1, stored=stored)))

    return msgspec.json.decode(once_in_a_run(factory, f"small-{stored}.json", collect), type=Evidence)


@pytest.fixture(scope="session")
def small(short_recordings: None, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Its verdicts are the stored ones of these cells."""
    return _collected(tmp_path_factory, stored=True)


@pytest.fixture(scope="session")
def judged(short_recordings: None, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """The same, with verdicts of this run, which take long."""
    return _collected(tmp_path_factory, stored=False)


@pytest.fixture(scope="session")
def small_page(small: Evidence, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The small run, with a crash added, as a page."""
    return once_in_a_run(tmp_path_factory, "page.html", lambda: html.html(with_a_crash(small), 1).encode()).decode()
