"""A mechanism as a surrogate of any model of sequences: an assay carried out on the model, and fitted."""
