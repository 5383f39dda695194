"""Flows in time and their rest points: drifts, solvers, steady states, stability."""
