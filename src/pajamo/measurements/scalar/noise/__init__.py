"""How a continuous reading scatters about its mean."""
