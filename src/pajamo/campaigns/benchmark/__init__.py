"""Strategies by tasks by seeds: an experiment that was done already, whose results are given out bit by bit."""
