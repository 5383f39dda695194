"""Figures of a run on an assay; each takes a tidy table or a small record and returns a figure."""
