"""Pictures of a run, one file each; every one takes tables and gives a matplotlib figure."""
