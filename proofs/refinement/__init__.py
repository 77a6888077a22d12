"""Compares a call with the one that replaces it, in another generation or in the same (`legacy-compatible`)."""
