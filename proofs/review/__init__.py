"""A patch as a question: rules from a file against the generation that they are based on."""
