"""How long an outside program may take where its user gives no limit, in seconds."""

STEP_LIMIT = 10.0
"""For an answer."""
START_LIMIT = 30.0
"""Until it is ready."""
