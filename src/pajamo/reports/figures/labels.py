"""Place names beside points without overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from pajamo.data.pseudobulk import Array
from pajamo.reports.figures.theme import colour
from pajamo.reports.wording import short

SIZE = 6.8
"""Points."""
_WIDTH, _HEIGHT = 0.72 * SIZE, 1.25 * SIZE
_OFFSETS = [(x, y) for r in (7, 13, 21) for x, y in ((r, 0), (-r, 0), (r, r), (-r, -r), (-r, r), (r, -r))]

Box = tuple[float, float, float, float]


def name_points(axes: Axes, x: Array, y: Array, names: Sequence[str], avoid: Array | None = None) -> None:
    """Write each name at the nearest free place around its point; a name without a free place is left out.

    Call it when the axes have their final size and limits.

    Parameters
    ----------
    axes: with limits set.
    x, y: points in data coordinates, most important first.
    names: of the points.
    avoid: further points that names should not cover, shape (points, 2).
    """
    points = _in_points(axes, np.column_stack([x, y]))
    others = points if avoid is None else np.vstack([points, _in_points(axes, avoid)])
    frame = np.asarray(axes.bbox.extents) * _scale(axes)
    placed: list[Box] = []
    for index, name in enumerate(names):
        text = short(name, 14)
        for offset in _OFFSETS:
            box = _box(points[index], offset, len(text))
            if _free(box, frame, others, placed):
                placed.append(box)
                _write(axes, (x[index], y[index]), offset, text)
                break


def _scale(axes: Axes) -> float:
    return 72 / float(axes.figure.dpi)


def _in_points(axes: Axes, values: Array) -> Array:
    return np.asarray(axes.transData.transform(values)) * _scale(axes)


def _free(box: Box, frame: Array, points: Array, placed: Sequence[Box]) -> bool:
    return (
        _inside(box, frame) and not _covers(box, points) and not any(_overlap(box, other) for other in placed)
    )


def _box(point: Array, offset: tuple[float, float], length: int) -> Box:
    width = _WIDTH * length
    left = point[0] + offset[0] - (width if offset[0] < 0 else 0)
    bottom = point[1] + offset[1] - _HEIGHT / 2
    return left, bottom, left + width, bottom + _HEIGHT


def _inside(box: Box, frame: Array) -> bool:
    return bool(box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3])


def _covers(box: Box, points: Array) -> bool:
    within = (
        (points[:, 0] > box[0]) & (points[:, 0] < box[2]) & (points[:, 1] > box[1]) & (points[:, 1] < box[3])
    )
    return bool(within.any())


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _write(axes: Axes, at: tuple[float, float], offset: tuple[float, float], text: str) -> None:
    far = abs(offset[0]) > 7
    line = {"arrowstyle": "-", "color": colour("muted"), "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
    axes.annotate(
        text, at, xytext=offset, textcoords="offset points", fontsize=SIZE, va="center",
        ha="right" if offset[0] < 0 else "left", arrowprops=line if far else None,
    )  # fmt: skip
