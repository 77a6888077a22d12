"""One call against what another generation, or another call, does in its place (`legacy-compatible`)."""
