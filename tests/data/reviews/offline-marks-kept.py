"""`offline-marks-kept`: assign_pages leaves the offline marks of pages as they are."""

from dataclasses import replace

from model.generations.claim_sets import CLAIM_SETS
from reference.generations.claim_sets import ClaimSets


class OfflineMarksKept(ClaimSets):
    """A page that is to go offline goes offline when it is freed, whoever got it meanwhile."""

    name = "offline-marks-kept"

    keeps_marks = True


MODEL = replace(
    CLAIM_SETS,
    rules=replace(
        CLAIM_SETS.rules,
        name="offline-marks-kept",
        summary="claim sets whose pages keep their offline marks when they are assigned",
        keeps_marks=True,
    ),
)
