"""From letters to one number a sequence: a binding energy, ln of a rate, or a latent trait."""
