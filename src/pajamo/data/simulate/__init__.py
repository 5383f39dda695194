"""Generates combination screens whose truth is known. All that comes from here is labelled as simulated."""

from pajamo.data.simulate.cells import simulate_combinations, write_large_screen
from pajamo.data.simulate.planted import Truth, plant
from pajamo.data.simulate.settings import SimulationSettings

__all__ = ["SimulationSettings", "Truth", "plant", "simulate_combinations", "write_large_screen"]
