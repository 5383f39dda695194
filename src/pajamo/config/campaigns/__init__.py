"""Settings of campaigns: what a screen costs, what must hold of a batch, which learner, what is asked."""
