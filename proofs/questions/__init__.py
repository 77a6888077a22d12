"""What reviewers ask of a generation: each question answered by a shortest trace on the reference, or by a proof."""
