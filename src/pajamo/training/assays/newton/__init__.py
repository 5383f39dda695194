"""Exact second-order fits of small models: Newton steps with everything that is linear taken as such."""
