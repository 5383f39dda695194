"""The page of a protein model."""
