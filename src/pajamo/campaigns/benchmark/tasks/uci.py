"""Sets of the UCI repository, from the file that the user fetched there, read as their descriptions say.

PyRelationAL reads five of them with an error: the target of one set stands among its features (energy), row numbers
are taken for a feature (glass), and the first row of a file without a header is lost (glass, seeds, yacht, airfoil).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.benchmark.tasks.building import classes, values
from pajamo.campaigns.benchmark.tasks.files import table
from pajamo.errors import DataError, nearest, warn

LICENCE = "CC BY 4.0"


@dataclass(frozen=True)
class Form:
    """How a file is written.

    Attributes
    ----------
    title: what is predicted.
    file: name that the repository gives it; Excel files have to be saved as text with commas first.
    rows: how many the set has.
    columns: of the file, in order; those that are neither target nor left out are features.
    target: column that is predicted.
    left_out: identifiers, and other targets.
    header: whether the first row holds names.
    separator: regular expression between columns.
    kind: "classes" or "values".
    """

    title: str
    file: str
    rows: int
    columns: int
    target: int
    left_out: tuple[int, ...] = ()
    header: bool = False
    separator: str = ","
    kind: str = "values"


FORMS = {
    "energy": Form("heating load of a building", "ENB2012_data.csv", 768, 10, 8, (9,), header=True),
    "energy-cooling": Form("cooling load of a building", "ENB2012_data.csv", 768, 10, 9, (8,), header=True),
    "power": Form("output of a power plant", "Folds5x2_pp.csv", 9568, 5, 4, header=True),
    "red-wine": Form("quality of red wine", "winequality-red.csv", 1599, 12, 11, header=True, separator=";"),
    "yacht": Form("resistance of a yacht", "yacht_hydrodynamics.data", 308, 7, 6, separator=r"\s+"),
    "airfoil": Form("sound of an airfoil", "airfoil_self_noise.dat", 1503, 6, 5, separator=r"\s+"),
    "glass": Form("kind of glass", "glass.data", 214, 11, 10, (0,), kind="classes"),
    "seeds": Form("variety of wheat", "seeds_dataset.txt", 210, 8, 7, separator=r"\s+", kind="classes"),
    "parkinsons": Form(
        "Parkinson's disease by voice", "parkinsons.data", 195, 24, 17, (0,), header=True, kind="classes"
    ),
}


def uci(name: str, data: Path | str | None) -> Task:
    """A set by name, from the folder in which its file lies, or the file itself.

    Raises
    ------
    DataError: an unknown name, no file, or a file of another form.
    """
    if name not in FORMS:
        raise DataError(
            f"there is no form for {name!r}",
            where="task",
            fix=f"{nearest(name, FORMS)}there are: {', '.join(FORMS)}",
        )
    form = FORMS[name]
    found = table(data, form.file, sep=form.separator, header=0 if form.header else None, engine="python")
    features, target = _parts(name, form, found)
    build = classes if form.kind == "classes" else values
    held = len(features) // 5
    start = len(np.unique(target)) if form.kind == "classes" else 20
    rest = len(features) - held - start
    batch = max(1, min(20, rest // 11))
    return build(
        features,
        target,
        name=name,
        title=form.title,
        protocol=Protocol(start, 10, batch, "one per class" if form.kind == "classes" else "random"),
        test=held,
        licence=LICENCE,
        source=f"UCI repository, {form.file}",
    )


def _parts(name: str, form: Form, found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Features without identifiers and other targets, and the target."""
    if found.shape[1] != form.columns:
        raise DataError(
            f"{form.file} has {found.shape[1]} columns, and {form.columns} are expected",
            where=f"task {name}",
            fix="give the file as the repository has it",
        )
    if len(found) != form.rows:
        warn(f"{form.file} has {len(found):,} rows, and the set of the repository {form.rows:,}")
    apart = {form.target, *form.left_out}
    kept = [place for place in range(form.columns) if place not in apart]
    return found.iloc[:, kept].to_numpy(dtype=float), found.iloc[:, form.target].to_numpy()
