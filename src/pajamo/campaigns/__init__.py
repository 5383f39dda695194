"""What to measure next: predictive distributions, acquisition, the cost of a screen, rounds on record.

A learner that saw what was measured predicts the candidates that were not (`predictive`); an acquisition chooses a
batch of them for a goal (`acquisition`); what the batch costs and how well it is measured is the screen's business
(`costs`); and each round stands in one file that a killed process cannot harm (`records`).
"""
