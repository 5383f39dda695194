"""A search as a run: hypotheses on record, the best of them fitted, averaged and judged on rows unseen by all."""
