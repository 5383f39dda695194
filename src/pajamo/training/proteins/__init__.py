"""Protein models as tasks of the trainer."""
