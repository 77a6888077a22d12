"""Scenarios: many builders and running domains on one host of the reference, with and without claims."""
