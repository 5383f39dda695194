"""Which conditions are held out: made once, checked for leaks, saved with a hash."""

from pajamo.data.splits.cell_leaks import check_cells
from pajamo.data.splits.leaks import check_leaks
from pajamo.data.splits.make import make_split
from pajamo.data.splits.split import Fold, Split

__all__ = ["Fold", "Split", "check_cells", "check_leaks", "make_split"]
