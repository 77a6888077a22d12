"""Random differential testing: the reference against the model, or against an outside implementation, at speed."""
