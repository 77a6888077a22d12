"""The verdict matrix: every generation of claims against every property, for any host."""
