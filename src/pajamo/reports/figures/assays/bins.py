"""What the sorter makes of the activity: the share of each bin, above it how activities are spread."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.energy_matrix import Array
from pajamo.reports.figures.theme import bare, colour


def bin_shares(grid: Array, shares: Array, coordinates: Array, axis: str = "activity") -> Figure:
    """Heat map of p(bin | activity) under a histogram of the sequences' activities.

    Parameters
    ----------
    grid: activities as the measurement takes them, evenly spaced, shape (points,).
    shares: p(bin | activity), shape (points, bins); bins are numbered from 1.
    coordinates: the sequences' activities on the same scale, shape (sequences,).
    axis: what that scale is, in words.
    """
    figure = Figure(figsize=(6.4, 3.9))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.6])
    histogram(above, coordinates, (float(grid[0]), float(grid[-1])))
    bins, half = shares.shape[1], (grid[1] - grid[0]) / 2
    image = below.imshow(
        shares.T, cmap="Blues", vmin=0, aspect="auto", interpolation="none", origin="lower",
        extent=(grid[0] - half, grid[-1] + half, 0.5, bins + 0.5),
    )  # fmt: skip
    below.set_yticks(range(1, bins + 1) if bins <= 12 else range(1, bins + 1, 2))
    below.set_ylabel("bin, dark to bright")
    below.set_xlabel(axis)
    bar = figure.colorbar(image, ax=[above, below], shrink=0.6, aspect=22, pad=0.02)
    bar.set_label("p(bin | activity)")
    bar.outline.set_visible(False)
    return figure


def histogram(axes: Axes, coordinates: Array, ends: tuple[float, float]) -> None:
    """How many sequences have which activity."""
    counts, edges = np.histogram(np.clip(coordinates, *ends), bins=48, range=ends)
    axes.stairs(counts, edges, fill=True, color=colour("grey"), alpha=0.6)
    axes.set_ylabel("sequences")
    axes.locator_params(axis="y", nbins=3)
    bare(axes, "bottom")
