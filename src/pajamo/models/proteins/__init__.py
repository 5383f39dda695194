"""Protein language models: masked tokens, Hugging Face's format, effects of variants, and learned properties."""
