"""Protein language models, what they say of variants, and the tables that they must beat."""
