"""Every state in reach of the reference, breadth first: one explorer over one runner, each state reached once."""
