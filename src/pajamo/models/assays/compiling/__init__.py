"""From a declared mechanism to its terms, states and rates."""
