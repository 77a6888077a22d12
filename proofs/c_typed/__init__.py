"""The reference's own code run on numbers that wrap like C's: what a value that leaves its type leads to."""
