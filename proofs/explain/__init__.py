"""A trace as a timeline that a person can read."""
