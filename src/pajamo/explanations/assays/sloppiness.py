"""Sloppy directions: joint changes of parameters that the data hardly see, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.assays.information import Information
from pajamo.models.assays.model import AssayModel

NAMED = 0.1
"""Share of a direction's squared length from which a part of it is named."""
ENERGIES = (" kT", " kcal/mol")
"""Units that are told of constants; that of ln of a rate is its name's."""
ALONE = 1.5
"""Information, in units of the prior's, below which the prior alone holds a direction."""


@dataclass(frozen=True)
class _Part:
    """What a direction does to one quantity: share of its squared length, and change at one standard error."""

    name: str
    share: float
    change: str


@dataclass(frozen=True)
class _Units:
    """In what units moves are told: a factor, and the unit as it follows a number, by term and by reader."""

    of_term: dict[str, tuple[float, str]]
    of_reader: dict[str, tuple[float, str]]
    letters: str

    @classmethod
    def of(cls, model: AssayModel) -> _Units:
        blueprint = model.assembly.blueprint
        pairs = model.frame is not None and isinstance(model.frame.alphabet, PairAlphabet)
        energy = (1.0, " kT") if pairs else (blueprint.kT, " kcal/mol")
        own = {
            t.name: energy if t.unit == "kT" else (1.0, f" {t.unit}" if t.unit else "")
            for t in blueprint.terms
        }
        of_reader = {t.encoder: own[t.name] for t in blueprint.terms if t.encoder is not None}
        return cls(own, of_reader, "changes" if pairs else "letters")


def sloppy_directions(found: Information, model: AssayModel) -> pd.DataFrame:
    """Eigenvectors of the information, in units of the prior, the least determined first.

    Parameters
    ----------
    found: information of the model.
    model: at its optimum.

    Returns
    -------
    One row a direction: `information` (1 where only the prior speaks); `determined`, the share that the data
    determine; `moves`, the terms that change together ("scale of RNAP x CRP+RNAP"); `change`, what one standard error
    along it does to each.
    """
    root = np.sqrt(found.precision)
    scaled = found.covariance * root[:, None] * root
    values, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    rows = []
    for value, vector in zip(values[::-1], vectors.T[::-1], strict=True):
        parts = _parts(found, model, vector / root * np.sqrt(max(value, 0.0)))
        named = [p for p in sorted(parts, key=lambda part: -part.share) if p.share >= NAMED]
        rows.append(
            {
                "information": 1 / value,
                "determined": max(1 - value, 0.0),
                "moves": " x ".join(p.name for p in named),
                "change": "; ".join(p.change for p in named),
            }
        )
    return pd.DataFrame(rows)


def sloppiness(found: Information, directions: pd.DataFrame) -> str:
    """How many directions the prior alone holds, and which others are the least determined."""
    alone = directions["information"] < ALONE
    text = f"{int(alone.sum())} of {found.size} directions are held by the priors alone"
    names = list(dict.fromkeys(directions.loc[alone, "moves"]))[:4]
    text += f" (such as {', '.join(names)})." if names else "."
    if (~alone).any():
        first = directions.loc[~alone].iloc[0]
        text += f" The sloppiest of the others is {first['moves']}: one standard error is {first['change']}."
    return text


def _parts(found: Information, model: AssayModel, move: Array) -> list[_Part]:
    """The parts of a move of the coordinates of one standard error."""
    units = _Units.of(model)
    total = float((move**2 * found.precision).sum())
    parts = []
    for name, place in found.constants.items():
        share = move[place] ** 2 * found.precision[place] / total
        scale, unit = units.of_term[name]
        parts.append(
            _Part(name, share, f"{name} {move[place] * scale:+.2g}{unit if unit in ENERGIES else ''}")
        )
    for name, where in found.readers.items():
        weights = linear_readers(model.assembly)[name].weights.detach().numpy()
        parts += _of_reader(name, found, where, weights, move[where], total, units)
    return parts


def _of_reader(
    name: str, found: Information, where: slice, weights: Array, move: Array, total: float, units: _Units
) -> list[_Part]:
    """A reader's level, the scale of its present weights, and single letters (or changes of a target)."""
    factor, unit = units.of_reader[name]
    precision, present = found.precision[where], found.bases[name].T @ weights
    share = move**2 * precision / total
    shape, own = move.copy(), present.copy()
    shape[0], own[0] = 0.0, 0.0
    scale = float((own * precision) @ shape / np.maximum((own * precision) @ own, 1e-300))
    along = scale**2 * float((own * precision) @ own) / total
    rest = max(float(share[1:].sum()) - along, 0.0)
    size = np.sqrt(rest * total / precision.mean()) * factor
    return [
        _Part(f"level of {name}", float(share[0]), f"level of {name} {move[0] * factor:+.2g}{unit}"),
        _Part(f"scale of {name}", along, f"scale of {name} {100 * scale:+.2g} %"),
        _Part(f"{units.letters} of {name}", rest, f"{units.letters} of {name} by {size:.2g}{unit}"),
    ]
