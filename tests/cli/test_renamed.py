"""`--generation` was `--semantics`: both are taken, one is shown."""

import pytest
from click.testing import CliRunner

from proofs.cli.main import claimcheck

VERBS = ("prove", "search", "fuzz", "diff", "report", "export c")


@pytest.mark.parametrize("verb", VERBS)
def test_former_option_name_is_accepted_and_hidden(verb: str) -> None:
    shown = CliRunner().invoke(claimcheck, [*verb.split(), "--help"]).output
    assert "--generation" in shown
    assert "--semantics" not in shown
    needed = ["--property", "host-backed"] if verb == "search" else []
    for option in ("--generation", "--semantics"):
        done = CliRunner().invoke(claimcheck, [*verb.split(), *needed, option, "claim-stes"])
        assert done.exit_code == 2
        assert "no generation 'claim-stes'; did you mean 'claim-sets'?" in done.output + str(done.exception)
