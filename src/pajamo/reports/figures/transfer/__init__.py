"""Figures on networks that carry a mechanism over to cells."""
