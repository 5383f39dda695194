"""How it was recorded: controls, batches, error analysis. Nothing here imports torch."""
