"""Invariants that Z3's Spacer finds, certified by the prover and compared with the hand-written ones."""
