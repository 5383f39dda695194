"""How a complete folder says that it holds a protein model."""

from __future__ import annotations

from typing import Final

PROTEINS: Final = "proteins"
"""`kind` in the manifest of a run of `pajamo train`."""
FINE_TUNED: Final = "fine-tuned"
"""`kind` in the manifest of a run of `pajamo fine-tune`."""
