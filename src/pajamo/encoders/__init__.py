"""Free-form maps from an input to what a mechanism takes."""
