"""The loop that trains encoders at scale: the same global steps on one processor and on hundreds."""
