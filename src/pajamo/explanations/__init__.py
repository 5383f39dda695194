"""What a fitted model says, in words and tables: one file a kind of model, registered by name."""
