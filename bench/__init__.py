"""The measurements that the documents quote: ``python -m bench`` writes docs/performance.md.

A measurement is one module with a function ``measure(effort) -> Section``, named in ``bench.measurements``.
"""
