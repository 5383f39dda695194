"""Tasks by name: sets that packages ship, sets that are generated, and real screens from the user's own files."""
