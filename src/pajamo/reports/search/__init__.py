"""The page of a search: what was found, how it went, and what the best hypotheses share."""
