"""What the latent-shift models share: cells as they see them, decoder, likelihood, shifts and their errors."""
