"""A mechanism of an assay as a learner: sequences are measured, and numbers of the mechanism grow certain."""
