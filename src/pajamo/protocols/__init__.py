"""How it was recorded: operations on cells in order, their controls, and what that costs in error."""
