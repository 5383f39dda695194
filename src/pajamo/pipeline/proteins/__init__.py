"""Protein models: trained as a run, and used for embeddings and for effects of variants."""
