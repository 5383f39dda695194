"""What a kinetic network says of guide-target pairs: rates, energies, control, and which step a change hits."""
