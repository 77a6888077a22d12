"""Numbers at the very edge of a check, where mutants of the check survived."""

import pytest

from reference.constants import MAX_NUMNODES
from reference.generations import SEMANTICS
from reference.state import boot, create_domain
from reference.status import Status


@pytest.mark.parametrize(("node", "expected"), [(MAX_NUMNODES - 1, Status.ENOMEM), (MAX_NUMNODES, Status.EINVAL)])
def test_v1_checks_a_node_id_against_its_range_only(node: int, expected: Status) -> None:
    host = boot((4,), 4, SEMANTICS["single-node-v1"])
    domain = create_domain(host, 1, max_pages=4)
    assert host.semantics.set_outstanding_pages(host, domain, 1, node) is expected
