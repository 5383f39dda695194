"""Folders of large arrays that are read where they lie: written once or appended to, checked block by block."""

from pajamo.data.mapped.reading import MappedFolder
from pajamo.data.mapped.writing import MappedWriter

__all__ = ["MappedFolder", "MappedWriter"]
