"""Reference and model held against each other, and the evidence: proofs, traces, reports, the command line."""
