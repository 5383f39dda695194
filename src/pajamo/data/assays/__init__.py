"""Assays: sequences, and what an instrument recorded of each."""

from pajamo.data.assays.alphabet import Alphabet, alphabet_of
from pajamo.data.assays.assay import SETS, Assay, Experiment

__all__ = ["SETS", "Alphabet", "Assay", "Experiment", "alphabet_of"]
