"""What several models are made of: measured effects, their errors, the scatter around a law."""
