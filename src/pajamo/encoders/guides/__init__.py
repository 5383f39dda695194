"""Encoders of guide-target pairs: what differs at each position of a guide, summed into one number."""
