"""Mistakes made on purpose, one at a time, in the code of the reference and of the model: what notices them?"""
