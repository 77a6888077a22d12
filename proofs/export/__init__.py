"""What the hypervisor's own tree can use: the invariants as C, and traces as tests."""
