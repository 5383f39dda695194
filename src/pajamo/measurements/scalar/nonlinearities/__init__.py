"""How the mean of a continuous reading depends on the activity."""
