"""What a training will take before it starts: memory, time, money, and which of them is short."""
