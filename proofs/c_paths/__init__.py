"""Every path of functions in C, on unknown numbers with C's types, compared with the model and run for real."""
