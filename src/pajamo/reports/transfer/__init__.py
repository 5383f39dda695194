"""The page of a transfer."""
