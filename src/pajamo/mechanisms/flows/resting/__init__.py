"""Rest points: where a flow ends, whether it stays there, and how many there are."""
