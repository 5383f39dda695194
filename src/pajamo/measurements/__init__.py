"""What the instrument does: probability distributions of what was recorded."""
