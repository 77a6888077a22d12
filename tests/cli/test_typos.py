"""A name that is nearly right is answered with the right one, whatever it names."""

from __future__ import annotations

import click
import pytest

from proofs.cli.main import claimcheck

TYPOS = {
    "verb": ("serach", "did you mean 'search'?"),
    "option": ("search --propertty host-backed", "Did you mean '--property'?"),
    "semantics": ("prove --generation claim-set", "did you mean 'claim-sets'?"),
    "semantics of a search": ("search --generation legacy-2014 --property host-backed", "did you mean 'legacy-2013'?"),
    "part of a variant": ("prove --generation claim-sets+limbo-count", "did you mean 'limbo-counted'?"),
    "generation": ("generations single-node-v4 claim-stes", "did you mean 'claim-sets'?"),
    "property": ("prove --property node-baked", "did you mean 'node-backed'?"),
    "property of a search": ("search --property host-baked", "did you mean 'host-backed'?"),
    "property of a report": ("report --property node-baked", "did you mean 'node-backed'?"),
    "mistake in the rules": ("prove --mistake no-recal", "did you mean 'no-recall'?"),
    "condition": ("search --property host-backed --assume limit-not-lowerd", "did you mean 'limit-not-lowered'?"),
    "section": ("report --without matirx", "did you mean 'matrix'?"),
    "scenario": ("simulate boot-strom", "did you mean 'boot-storm'?"),
    "scenario to show": ("simulate --show fragmentd", "did you mean 'fragmented'?"),
    "policy": ("simulate boot-storm --policy no-claim", "did you mean 'no-claims'?"),
    "mistake by its old option": ("prove --mutate no-recal", "did you mean 'no-recall'?"),
    "mistake": ("serve --mistake no-recal", "did you mean 'no-recall'?"),
    "semantics of a campaign": ("fuzz --generation claim-stes", "did you mean 'claim-sets'?"),
    "semantics of a header": ("export c --generation claim-stes", "did you mean 'claim-sets'?"),
    "form of a test": ("export tests x.jsonl --as pytst", "'pytest'"),
    "command of a verb": ("export tets x.jsonl", "did you mean 'tests'?"),
    "shell": ("completion bsh", "'bash'"),
}


@pytest.mark.parametrize("kind", TYPOS)
def test_typo_is_answered_with_the_nearest_name(kind: str) -> None:
    line, hint = TYPOS[kind]
    with pytest.raises(click.ClickException) as raised:
        claimcheck.main(line.split(), standalone_mode=False)
    assert hint in raised.value.format_message()
    assert "\n" not in raised.value.format_message()
