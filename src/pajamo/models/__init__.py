"""Published systems and baselines, one file each, each with a card."""
