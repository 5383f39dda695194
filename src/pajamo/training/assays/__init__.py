"""Fitting models of assays: random starts, then second-order steps until the objective stands still."""
