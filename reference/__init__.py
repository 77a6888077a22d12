"""What the hypervisor does: an executable reference of Xen's memory claims, in plain Python.

Page counts are numbers that may be symbolic: the claims code never casts a count and branches only on comparisons.
"""
