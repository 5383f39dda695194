"""Figures of kinetic networks of guide-target pairs."""
