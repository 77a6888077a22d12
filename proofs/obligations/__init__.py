"""The proof obligations, and their formulas."""
