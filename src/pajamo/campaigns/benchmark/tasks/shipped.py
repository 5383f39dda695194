"""Sets that scikit-learn ships: they need no network and no file."""

from __future__ import annotations

from typing import Any

from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.building import classes, values

LICENCE = "as shipped with scikit-learn (BSD-3)"


def digits() -> Task:
    """1,797 hand-written digits of 8 x 8 pixels: one of each class, then ten rounds of 20; 360 held out."""
    found = _load("digits")
    return classes(
        found.data,
        found.target,
        name="digits",
        title="hand-written digits, 8 x 8",
        protocol=Protocol(10, 10, 20, begin="one per class"),
        test=360,
        licence=LICENCE,
        source="Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits (its test part)",
    )


def breast_cancer() -> Task:
    """569 biopsies, benign or malignant, by 30 features of their nuclei."""
    found = _load("breast_cancer")
    return classes(
        found.data,
        found.target,
        name="breast-cancer",
        title="benign or malignant, by nuclei",
        protocol=Protocol(2, 10, 5, begin="one per class"),
        test=114,
        licence=LICENCE,
        source="Wolberg, Street and Mangasarian 1995, UCI Breast Cancer Wisconsin (Diagnostic)",
    )


def wine() -> Task:
    """178 wines of three growers by 13 chemical analyses."""
    found = _load("wine")
    return classes(
        found.data,
        found.target,
        name="wine",
        title="grower of a wine, by chemistry",
        protocol=Protocol(3, 10, 5, begin="one per class"),
        test=60,
        licence=LICENCE,
        source="Aeberhard and Forina 1991, UCI Wine",
    )


def iris() -> Task:
    """150 irises of three species by four lengths."""
    found = _load("iris")
    return classes(
        found.data,
        found.target,
        name="iris",
        title="species of an iris",
        protocol=Protocol(3, 8, 4, begin="one per class"),
        test=50,
        licence=LICENCE,
        source="Fisher 1936, Annals of Eugenics 7:179",
    )


def diabetes() -> Task:
    """442 patients: progression of diabetes after a year, by ten features."""
    found = _load("diabetes")
    return values(
        found.data,
        found.target,
        name="diabetes",
        title="progression of diabetes after one year",
        protocol=Protocol(20, 10, 15),
        test=100,
        licence=LICENCE,
        source="Efron, Hastie, Johnstone and Tibshirani 2004, Annals of Statistics 32:407",
    )


def _load(name: str) -> Any:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")()
