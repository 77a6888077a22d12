"""The reference's own code, executed on symbolic numbers and compared with the model on every path."""
