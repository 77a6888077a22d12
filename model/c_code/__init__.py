"""The values that the C code computes in loops and at the ends of sections, in order, each with its C type.

The sections of `model.operations` refer to these functions, because values inside a loop do not follow from the closed
form of the loop. Values between the checks of a section are in the section itself.
"""
