"""The prover: obligations in, verdicts out."""
