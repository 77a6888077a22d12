"""What each critical section must do, stated once: its checks in order, C values, ends and updates.

A section is one function of a `Section` (`model.operations.section`). Derived from it are the transitions for any host
and the values that the C code computes (both in `derived`), and the outcome for given numbers (`model.calls.sections`).
"""
