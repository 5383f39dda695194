"""How well hidden residues are told, and what measured variants do, with everything that must be beaten beside it."""
