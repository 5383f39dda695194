"""What a fitted model of an assay says: gauges, symmetries, intervals, and how far the data go."""
