"""Other checkers on the same question: ``python -m bench.peers`` writes docs/peers.md.

The question: claim sets on small hosts, one page at a time, all domains created with one fixed limit. In every state
that can be reached: are claims backed, do the aggregates agree, are pages and claims within the limit?
"""
