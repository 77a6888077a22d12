"""One vocabulary: properties as the matrix shows them, generations and mistakes, in every verb."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from proofs.cli.main import claimcheck
from proofs.cli.properties import PropertyName, known_properties
from proofs.matrix.other_rows import matrix_parts
from proofs.matrix.rows import rows
from tests.sampled import sampled


def call(*arguments: str) -> Result:
    return CliRunner().invoke(claimcheck, arguments)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_each_row_of_the_matrix_is_a_property_name(row: object) -> None:
    (name,) = known_properties([row.name], matrix_parts())
    assert name.covers(row.part, row.conditions)
    assert not name.covers("no-such-property", row.conditions)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nod-backed", "no property 'nod-backed'; did you mean 'node-backed'?"),
        ("claims-protected.backd", "did you mean 'claims-protected.backed'?"),
        ("node-backed if nothing-offline", "no condition 'nothing-offline'; did you mean 'nothing-offlined'?"),
    ],
)
@pytest.mark.parametrize("verb", ["prove", "search", "report"])
def test_unknown_name_is_one_line_and_a_suggestion(verb: str, name: str, message: str) -> None:
    found = call(verb, "--property", name)
    assert found.exit_code == 2
    assert message in found.output


def test_fewer_conditions_answer_for_more() -> None:
    name = PropertyName("node-backed", "node-backed", ("nothing-offlined",))
    assert name.covers("node-backed", ())
    assert not name.covers("node-backed", (), claimed=False)
    assert not name.covers("node-backed", ("limit-not-lowered",))


def test_conditions_that_are_not_judged_are_refused() -> None:
    found = call("prove", "--generation", "per-node-v8", "--property", "node-backed if limbo-not-marked")
    assert found.exit_code == 2
    assert "rows of the matrix: node-backed, node-backed if nothing-offlined" in found.output


def test_part_on_its_conditions_is_proved_alone() -> None:
    found = call("prove", "--property", "claims-protected.backed if legacy-check-in-lock", "--list", "--json")
    listed = json.loads(found.output)["obligations"]
    assert listed
    assert all("/claims-protected.backed+legacy-check-in-lock/" in one["name"] for one in listed)
    assert all(one["promised"] and one["proved_means"] and one["refuted_means"] for one in listed)


def test_hosts_of_auxiliary_obligations_are_not_promised() -> None:
    """`views` compares two encodings on 2x2; what is promised is proved for any host."""
    found = call("prove", "--no-cache", "recall-minimal")
    views = call("prove", "--no-cache", "views/", "offline_page")
    assert "Proved for any host: everything promised here" in found.output
    assert "Proved for" not in views.output


def test_all_of_one_generation_is_of_that_generation() -> None:
    found = call("prove", "--all", "--generation", "legacy-2013", "--property", "redeem-order", "--json", "--no-cache")
    assert {cell["semantics"] for cell in json.loads(found.output)["cells"]} == {"legacy-2013"}


@pytest.mark.parametrize("name", sampled(["claim-sets-v7", "per-node-v8"], keep={"claim-sets-v7"}))
def test_kept_promise_of_a_generation_ends_with_0(name: str) -> None:
    assert call("prove", "--generation", name, "--property", "lock-order", "--no-cache").exit_code == 0


def test_refuted_promise_of_a_generation_ends_with_1() -> None:
    broken = call("prove", "--generation", "single-node-v4", "--property", "lock-order", "--no-cache")
    assert broken.exit_code == 1
    assert "single-node-v4 does not keep: lock-order." in broken.output


def test_refuted_obligation_names_inequality_and_search() -> None:
    words = ("prove", "--no-cache", "--mistake", "no-recall", "--property", "recall-minimal", "--jobs", "1")
    found = call(*words)
    assert found.exit_code == 1
    assert "violated: outstanding_claims.after == total_avail_pages.after  is " in found.output
    assert (
        "claimcheck search --property recall-minimal --assume legacy-check-in-lock --mistake no-recall" in found.output
    )
    assert "REFUTED: recall-minimal if legacy-check-in-lock." in found.output


def test_search_says_not_applicable_where_the_matrix_does() -> None:
    found = call("search", "--property", "no-crash")
    assert found.exit_code == 0
    assert found.output == "no-crash: not applicable to claim-sets: it has no BUG_ON on claims\n"


@pytest.mark.parametrize("name", ["claim-sets", "per-node-v8", "legacy-2013"])
def test_generation_tells_all_that_it_fails(name: str) -> None:
    found = json.loads(call("generations", name, "--json").output)
    assert len(found["fails"]) == found["verdicts"]["refuted"] > 0
    assert found["stored"]
    shown = call("generations", name).output
    assert all(one["property"] in shown for one in found["fails"])


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
def test_seconds_are_a_finite_number(seconds: str) -> None:
    found = call("fuzz", "--duration", seconds)
    assert found.exit_code == 2
    assert "--duration" in found.output
