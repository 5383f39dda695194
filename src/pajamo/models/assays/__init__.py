"""Models of assays: a declared mechanism between a sequence encoder and a measurement."""
