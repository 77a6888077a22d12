"""Bounded model checking: the shortest trace from boot that violates a property."""
