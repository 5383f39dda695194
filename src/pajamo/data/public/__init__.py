"""Data sets by name: those that ship, those that are generated, those that are fetched."""
