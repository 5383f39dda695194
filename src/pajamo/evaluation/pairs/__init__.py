"""How well guide-target pairs are told apart: by their rates, or by whether they were found cut."""
