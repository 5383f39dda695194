"""What was recorded: reading, checking, splitting, integrity, shipped sets. Nothing here imports torch."""
