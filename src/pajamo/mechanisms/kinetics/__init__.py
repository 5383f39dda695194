"""Kinetic schemes at steady state: occupancies, fluxes, driving, passage times."""
