"""Reviewers' questions about a generation, each answered by a shortest trace on the reference or by a proof."""
