"""What learns from results and predicts candidates: one small adapter for each kind of model."""
