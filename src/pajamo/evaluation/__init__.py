"""Honest evaluation: metrics, calibration and comparison, always with the baselines."""
