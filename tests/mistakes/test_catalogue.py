"""The catalogue of deliberate mistakes: names, sentences, and that a mistake is the same one in model and reference."""

from __future__ import annotations

import click
import pytest

from model.named import GENERATIONS as OF_MODEL
from proofs.cli.main import claimcheck
from proofs.diff.operations import OPERATIONS
from proofs.diff.run import Space, row
from proofs.diff.world import Size
from proofs.mistakes import catalogue
from proofs.mistakes.catalogue import CATALOGUE, FORMER, OF_REFERENCE
from proofs.mistakes.edits import EDITS
from proofs.mistakes.in_rules import RULES, mutated
from proofs.mistakes.planted import planted
from proofs.prover.verdict import Verdict
from reference import claims
from reference.generations import GENERATIONS
from tests.sampled import sampled

IN_BOTH = [name for name, mistake in CATALOGUE.items() if mistake.rules and mistake.override]
SHOWN_BY = {
    "free-restores-claims": "release_ownership",
    "kill-keeps-claims": "domain_kill",
    "no-recall": "offline_page",
    "node-check-ignores-claims": "alloc_heap_pages",
    "redeem-global-first": "alloc_heap_pages",
    "redeem-others-before-global": "alloc_heap_pages",
    "redeem-without-step-3": "alloc_heap_pages",
}
"""Operations in which a mistake shows."""
BOOKED_OTHERWISE = {"install-accumulates"}
"""The counters are the same; the reference releases the old claims and installs them again, which the ledger shows."""


def test_each_mistake_has_a_sentence_and_a_change() -> None:
    sentences = [mistake.sentence for mistake in CATALOGUE.values()]
    assert len(set(sentences)) == len(CATALOGUE) > 55
    assert [sentence for sentence in sentences if not sentence.endswith((".", ")."))] == []
    for name, mistake in CATALOGUE.items():
        assert mistake.name == name
        assert bool(mistake.override) + bool(mistake.edit) == bool(mistake.generations)
        assert mistake.rules or mistake.step or mistake.generations
        assert mistake.edit is None or mistake.edit.operation in OPERATIONS
        assert set(mistake.generations) <= set(GENERATIONS)


def test_each_sentence_is_stated_once() -> None:
    assert {name for name, change in RULES.items() if not change.sentence} == set(IN_BOTH)


def test_former_names_lead_to_mistakes() -> None:
    assert set(FORMER).isdisjoint(CATALOGUE)
    assert set(FORMER.values()) <= set(CATALOGUE)


def test_duplicate_mistake_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "EDITS", (*EDITS, EDITS[0]))
    with pytest.raises(ValueError, match=EDITS[0].name):
        catalogue._catalogue()


def test_planted_mistake_is_removed_after_use() -> None:
    right, code = dict(GENERATIONS), claims.recall_claims.__code__
    spoiled = set(CATALOGUE["no-recall"].generations)
    assert "claim-sets" in spoiled
    with planted("no-recall"):
        assert {name for name in right if GENERATIONS[name] is not right[name]} == spoiled
    with planted("recalls-one-too-few"):
        assert claims.recall_claims.__code__ is not code
    assert (dict(GENERATIONS), claims.recall_claims.__code__) == (right, code)
    with pytest.raises(ValueError, match="the reference has no mistake named"), planted("recall-global-first"):
        pass


def test_each_mistake_on_both_sides_is_compared() -> None:
    assert {*SHOWN_BY, *BOOKED_OTHERWISE} == set(IN_BOTH)


@pytest.mark.parametrize("name", sampled(SHOWN_BY, keep={"free-restores-claims", "no-recall"}))
def test_mistake_is_the_same_in_model_and_reference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On any counters of a host of two nodes: the spoiled reference is not the model, but it is the spoiled model."""
    with planted(name):
        assert row(Space(Size(2, 2)), "claim-sets", SHOWN_BY[name]).verdict is Verdict.REFUTED
        monkeypatch.setitem(OF_MODEL, "claim-sets", mutated(OF_MODEL["claim-sets"], name))
        assert row(Space(Size(2, 2)), "claim-sets", SHOWN_BY[name]).verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prove --mistake recalls-one-too-few", "is a mistake of the reference"),
        ("search --property host-backed --mistake host-check-mixes", "is a mistake of the reference"),
        ("serve --mistake recall-global-first", "is a mistake of the model"),
        ("diff --mistake recall-global-first", "is a mistake of the model"),
    ],
)
def test_mistake_that_a_verb_does_not_support_is_refused(line: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        claimcheck.main(line.split(), standalone_mode=False)


@pytest.mark.parametrize("verb", ["prove", "search", "serve", "diff"])
def test_former_options_are_accepted_and_hidden(verb: str) -> None:
    command = claimcheck.get_command(click.Context(claimcheck), verb)
    assert command is not None
    shown = command.get_help(click.Context(command, info_name=verb))
    assert "--mistake" in shown
    for former in ("--mutate", "--bug", "--list-bugs"):
        assert former not in shown


def test_diff_finds_a_mistake_of_serve() -> None:
    line = "diff --mistake no-recall --generation claim-sets --operation offline_page --shape 1x1 --jobs 1"
    assert "no-recall" in OF_REFERENCE
    assert claimcheck.main(line.split(), standalone_mode=False) == 1
