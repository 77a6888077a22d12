"""What is to be proved: obligations, and the formulas they stand for."""
