"""Every critical section as a two-state relation, grouped by what the hypervisor calls them for."""
