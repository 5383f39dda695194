"""One processor or many: processes, sharing out of weights, checkpoints; nothing else knows of other processes."""
