"""Deliberate mistakes: each has a name, a sentence, and its change in the model, in the reference, or in both."""
