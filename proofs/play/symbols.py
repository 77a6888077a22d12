"""The lights of properties, as characters."""

HOLDS, BROKEN, UNKNOWN = "●", "✗", "○"
