"""From a study file to a verified run: read, check, split, fit the ladder, evaluate, report."""
