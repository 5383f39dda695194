"""How much a model's prediction, or a base, says about what was recorded: information in bits, with intervals."""
