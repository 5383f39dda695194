"""Transformers over proteins that lie end to end, without padding."""
