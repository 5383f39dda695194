"""Runs that carry a kinetic network over to cells: off-targets of guides that no model saw."""
