"""An invariant that Z3's Spacer finds by itself, certified by the prover and compared with the one written by hand."""
