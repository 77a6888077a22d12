"""Scripts: operations that a person writes, one a line, run on the reference with the reason of every refusal."""
