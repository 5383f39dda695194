"""Losses that are zero where nothing changes, corrected for the noise of what was measured."""
