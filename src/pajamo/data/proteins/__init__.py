"""Protein sequences: reading FASTA, the memory-mapped corpus, families, and what variants were measured to do."""
