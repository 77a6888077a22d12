"""Exit codes of every verb."""

OK = 0  # all as claimed
REFUTED = 1  # refuted or diverged
BAD_INPUT = 2  # wrong use or bad input
INCOMPLETE = 3  # unknown, out of budget, or interrupted
