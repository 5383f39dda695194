"""Fitting, written once for every model."""
