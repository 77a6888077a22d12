"""Bounded model checking: the shortest trace from boot that breaks a property."""
