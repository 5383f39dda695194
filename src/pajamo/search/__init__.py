"""Which mechanism? A search over kinetic schemes, and over which part of the sequence sets which rate."""
