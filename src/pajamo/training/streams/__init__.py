"""Minibatches that are a pure function of seed, epoch and place: ranks and workers only share out the work."""
