"""Linear flows with noise, and how moments follow nonlinear ones."""
