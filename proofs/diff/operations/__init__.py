"""How each operation is done on both sides, on every input."""
