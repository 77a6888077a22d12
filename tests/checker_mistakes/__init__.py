"""Mistakes made on purpose in the checker itself, one at a time: does the test that is named for each fail?"""
