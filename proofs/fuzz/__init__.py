"""Random differential testing: compares the reference with the model, or with an outside implementation."""
