"""The encodings of a host: N nodes and D domains given (bounded), or any number of each (parametric)."""
