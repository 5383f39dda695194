"""A mechanism that was measured in vitro as a layer of a network that learns from cells."""
