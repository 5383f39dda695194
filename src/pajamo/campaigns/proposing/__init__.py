"""From candidates, results and a goal to the next batch, in words and figures."""
