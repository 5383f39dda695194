"""Parts of the neural ordinary differential equation of expression."""
