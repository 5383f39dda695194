"""Teaching a protein model a property: from a table of labels to a complete run, and from there to predictions."""
