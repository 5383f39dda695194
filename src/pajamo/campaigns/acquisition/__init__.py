"""Acquisition: which candidates to measure next. One file each, with its source; `choose_batch` is the door."""
