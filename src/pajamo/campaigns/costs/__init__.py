"""What a batch costs, how well it measures, and which batch is worth its money.

`cost_model` makes the cost of a screen or of a table from its settings; `best_batch` fills a budget;
`lane_sheet` says what goes into which lane.
"""
