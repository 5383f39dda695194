"""The command line: a thin face over the Python API. Each command calls the function of its name."""

from pajamo.cli.commands import app
from pajamo.cli.entry import main

__all__ = ["app", "main"]
