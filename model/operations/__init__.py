"""What each critical section must do, said once: its checks in order, C values, ends and updates.

A section is one function of a `Section` (`model.operations.section`). Derived from it are the transitions for any host
(`derived`), what the C code computes (`derived`), and the outcome on given numbers (`model.calls.sections`).
"""
