"""What the hypervisor must do, as logic in Z3: state, transitions as relations, the properties."""
