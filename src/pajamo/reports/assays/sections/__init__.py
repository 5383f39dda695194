"""The parts of an assay's page, each built from the run's folder; one without content is left out."""
