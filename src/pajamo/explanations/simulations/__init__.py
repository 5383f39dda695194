"""Planted truth: exact stochastic trajectories, simulated libraries of pairs, and what of a truth was recovered."""
