"""The cell store: a screen of any size as flat arrays in a folder, read where they lie in batches of random cells.

from pajamo.data.store import CellStore

store = CellStore.open("screen.pstore")
batch = store.dense([17, 4, 1_000_000])    # float32, shape (3, genes)
"""

from pajamo.data.store.format import content_hash, is_store
from pajamo.data.store.store import CellStore

__all__ = ["CellStore", "content_hash", "is_store"]
