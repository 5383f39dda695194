"""The parts of a run's page that speak of a kinetic network of guide-target pairs."""
