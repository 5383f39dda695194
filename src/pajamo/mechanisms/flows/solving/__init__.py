"""Integration in time: explicit and implicit steps, exact gradients."""
