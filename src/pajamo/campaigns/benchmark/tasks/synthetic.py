"""Sets that are generated from a seed: the same seed, the same points.

The distributions are those of PyRelationAL's tasks, which draws some of them from a generator without a seed.
"""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.building import classes, values
from pajamo.campaigns.predictive import Array, Rows

LICENCE = "generated"
SOURCE = "distribution of PyRelationAL's task of this name (arXiv 2205.11117)"
LAL = "Konyushkova, Sznitman and Fua 2017 (Learning Active Learning from Data)"


def synth_class_1(data_seed: int = 0, size: int = 500) -> Task:
    """Two round clouds around (1, 1) and (-1, -1) that overlap."""
    parts = _shares(size, 2)
    means = np.repeat([[-1.0, -1.0], [1.0, 1.0]], parts, axis=0)
    points = means + np.random.default_rng(data_seed).standard_normal((size, 2))
    return _two_classes("synth-class-1", "two clouds that overlap", points, np.repeat([0, 1], parts), SOURCE)


def synth_class_2(data_seed: int = 0, size: int = 500) -> Task:
    """Six round clouds above and below one another; three are of one class, three of the other."""
    centres = np.array([[0, 5], [0, -5], [-5, 10], [5, 10], [-5, -10], [5, -10]], dtype=float)
    parts = _shares(size, 6)
    points = np.repeat(centres, parts, axis=0) + np.random.default_rng(data_seed).standard_normal((size, 2))
    labels = np.repeat([0, 0, 0, 1, 1, 1], parts)
    return _two_classes("synth-class-2", "six clouds of two classes", points, labels, SOURCE)


def synth_class_3(data_seed: int = 0, size: int = 500) -> Task:
    """A long cloud between two round ones of the other class."""
    rng, (other, half) = np.random.default_rng(data_seed), _shares(size, 2)
    first, second = _shares(half, 2)
    points = [
        rng.multivariate_normal([3, 3], [[1, 2], [2, 7]], other),
        rng.multivariate_normal([0, 0], np.eye(2), first),
        rng.multivariate_normal([3, 10], np.eye(2), second),
    ]
    labels = np.repeat([0, 1], [other, half])
    return _two_classes("synth-class-3", "a long cloud between two", np.concatenate(points), labels, SOURCE)


def gaussian_clouds(data_seed: int = 0, size: int = 1000, dimensions: int = 2, share: float = 0.8) -> Task:
    """Two clouds of random place and shape, four fifths of the points in one."""
    rng, many = np.random.default_rng(data_seed), round(size * share)
    points = []
    for number in (many, size - many):
        centre, shape = rng.random(dimensions), rng.random((dimensions, dimensions)) - 0.5
        points.append(rng.multivariate_normal(centre, shape @ shape.T, number))
    labels = np.repeat([1, 0], [many, size - many])
    return _two_classes("gaussian-clouds", "two clouds of unequal size", np.concatenate(points), labels, LAL)


def checkerboard(data_seed: int = 0, size: int = 1000, fields: int = 2) -> Task:
    """Points of a square, black or white as on a board of `fields` by `fields`."""
    points = np.random.default_rng(data_seed).random((size, 2))
    labels = np.floor(points * fields).astype(int).sum(axis=1) % 2
    name = f"checkerboard-{fields}x{fields}"
    return _two_classes(name, f"a board of {fields} by {fields}", points, labels, LAL)


def synth_reg_1(data_seed: int = 0, size: int = 1000) -> Task:
    """A straight line without noise."""
    rng = np.random.default_rng(data_seed)
    along = rng.standard_normal((size, 1))
    return _values("synth-reg-1", "a straight line", along, (100.0 * rng.random()) * along[:, 0])


def synth_reg_2(data_seed: int = 0, size: int = 1000) -> Task:
    """A noisy circle seen from the side: cos z from z and sin z, each with noise of .1."""
    rng = np.random.default_rng(data_seed)
    along = 15.0 * rng.random(size)
    features = np.column_stack([along, np.sin(along) + 0.1 * rng.standard_normal(size)])
    return _values("synth-reg-2", "a noisy wave", features, np.cos(along) + 0.1 * rng.standard_normal(size))


def _two_classes(name: str, title: str, points: Array, labels: Rows, source: str) -> Task:
    return classes(
        points,
        labels,
        name=name,
        title=title,
        protocol=Protocol(2, 10, 5, begin="one per class"),
        test=len(points) // 5,
        licence=LICENCE,
        source=source,
    )


def _values(name: str, title: str, features: Array, recorded: Array) -> Task:
    return values(
        features,
        recorded,
        name=name,
        title=title,
        protocol=Protocol(5, 8, 5),
        test=len(features) // 5,
        licence=LICENCE,
        source=SOURCE,
    )


def _shares(size: int, parts: int) -> list[int]:
    """Sizes of parts that differ by one at most."""
    return [size // parts + (part < size % parts) for part in range(parts)]
