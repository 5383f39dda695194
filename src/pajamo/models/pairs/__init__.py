"""What every kinetic network of guide-target pairs is compared with: counts, tables, regressions and black boxes."""
