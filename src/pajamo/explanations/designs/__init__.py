"""What to build next: sequences that reach a wanted activity, and libraries that measure energies."""
