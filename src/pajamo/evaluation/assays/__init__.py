"""Judging models of sequences on rows that they never saw, and what may be concluded from it."""
