"""Runs on assays: sequences, what was recorded of each, and the mechanisms that are to explain it."""
