"""Every test over one screen."""

from __future__ import annotations

import numpy as np

from pajamo.data.screen import Screen
from pajamo.protocols.diagnostics.balance import same_batches
from pajamo.protocols.diagnostics.baseline import stationary_baseline
from pajamo.protocols.diagnostics.cells import Cells
from pajamo.protocols.diagnostics.editing import complete_editing
from pajamo.protocols.diagnostics.modes import one_attractor
from pajamo.protocols.diagnostics.responses import additive, at_rest, same_in_media
from pajamo.protocols.diagnostics.result import Diagnostic


def diagnose(screen: Screen, seed: int = 0) -> tuple[Diagnostic, ...]:
    """Test each assumption that the screen can tell something of; same seed, same numbers."""
    cells = Cells.of(screen, seed)
    batch = screen.cells["batch"].to_numpy(dtype=str) if "batch" in screen.cells else None
    random = [np.random.default_rng([seed, test]) for test in range(6)]
    return (
        stationary_baseline(cells, random[0]),
        at_rest(cells, random[1]),
        one_attractor(cells),
        complete_editing(cells, random[2]),
        same_in_media(cells, random[3]),
        additive(cells, random[4]),
        same_batches(screen.conditions, screen.condition_of, batch, random[5]),
    )
