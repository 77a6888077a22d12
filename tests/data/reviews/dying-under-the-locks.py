"""`dying-under-the-locks`: set_outstanding_pages checks is_dying under its locks, as install_claim_set does."""

from dataclasses import replace

from model.generations.claim_sets import CLAIM_SETS
from reference.generations.claim_sets import ClaimSets
from reference.state import Domain


class DyingUnderTheLocks(ClaimSets):
    """A domain that dies between the check and the locks gets no claim."""

    name = "dying-under-the-locks"

    def refuses_claimant(self, domain: Domain) -> bool:
        """A dying domain."""
        return domain.is_dying


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="dying-under-the-locks",
        summary="claim sets whose legacy call checks is_dying under its locks",
        checks_dying_in_lock=True,
    ),
)
