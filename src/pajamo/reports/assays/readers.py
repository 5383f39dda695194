"""What a fitted model reads of the sequence, as pictures need it: energy matrices, pairs, sites."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.pairs import PairEncoder
from pajamo.explanations.assays.gauges import LetterMap, fix_gauge
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.reports.figures.assays.energy_matrix import EnergyMatrix
from pajamo.reports.figures.assays.pairs import PairMap
from pajamo.reports.figures.assays.sites import Window

UNITS = {"kT": "kcal/mol", "ln(1/s)": "ln(1/s)"}
ARBITRARY = "units of the trait"
Seen = NDArray[np.bool_]


def energy_matrices(model: AssayModel, seen: Seen | None = None) -> list[EnergyMatrix]:
    """The letters' weights of every linear reader, in the gauge where each position's mean is zero.

    Parameters
    ----------
    model: fitted.
    seen: which letters occur in the data, shape (length, letters), where known.
    """
    found = []
    for name, places in _readers(model.assembly).items():
        linear = _gauged(model.assembly, name)
        if linear is not None:
            factor, unit = _unit(model.assembly, places[0])
            values = linear.singles * factor
            found.append(_matrix(model, name, places, values, unit, seen))
    return found


def pair_maps(model: AssayModel) -> list[PairMap]:
    """What pairs of letters add, of every reader that has pairs."""
    found = []
    for name, places in _readers(model.assembly).items():
        linear = _gauged(model.assembly, name)
        if linear is not None and len(linear.first):
            factor, unit = _unit(model.assembly, places[0])
            window = _native(model, places)
            found.append(
                PairMap(
                    name,
                    linear.pairs * factor,
                    linear.first,
                    linear.second,
                    linear.singles.shape[0],
                    model.assembly.letters,
                    window,
                    _first(places),
                    unit,
                )
            )
    return found


def site_windows(model: AssayModel) -> list[Window]:
    """Where each reader looks; a reader that looks at the whole sequence is no site."""
    found = []
    for name, places in _readers(model.assembly).items():
        width = model.assembly.blueprint.readers[name].length
        starts = sorted({term.start for term in places})
        if width < _frame(model).length:
            apart = len(starts) > 2
            spans = (
                [(starts[0], starts[-1] + width)] if apart else [(start, start + width) for start in starts]
            )
            found += [Window(name, *span, slides=apart) for span in spans]
    return found


def seen_letters(footprint: pd.DataFrame | None, letters: str) -> Seen | None:
    """Which letters occur at each position, from a footprint: one that never does has no information.

    Returns
    -------
    Shape (length, letters); None where no footprint was made.
    """
    if footprint is None:
        return None
    own = footprint[footprint["comparison"].isin(list(letters))]
    found = own.assign(seen=own["bits"].notna() | (own["comparison"] == own["wild_type"]))
    table = found.groupby(["position", "comparison"])["seen"].any().unstack(fill_value=False)
    return np.asarray(table.reindex(columns=list(letters), fill_value=False).to_numpy(dtype=bool))


def _readers(assembly: Assembly) -> dict[str, list[Term]]:
    """The places that each reader looks at."""
    found: dict[str, list[Term]] = {}
    for term in assembly.blueprint.terms:
        if term.encoder is not None:
            found.setdefault(term.encoder, []).append(term)
    return found


def _gauged(assembly: Assembly, name: str) -> LetterMap | None:
    """A reader's weights with equal letters as the reference; None for a black box."""
    reader = assembly.reader(name)
    if not isinstance(reader, AdditiveEncoder | PairEncoder):
        return None
    linear = LetterMap.of(reader)
    return fix_gauge(linear, np.full(linear.singles.shape, 1 / linear.singles.shape[1]))


def _unit(assembly: Assembly, term: Term) -> tuple[float, str]:
    factor = assembly.blueprint.kT if term.unit == "kT" else 1.0
    return factor, UNITS.get(term.unit, ARBITRARY)


def _first(places: list[Term]) -> int:
    """Number of the first position; a window that slides has positions of its own."""
    return places[0].start if len(places) == 1 and places[0].strand == "+" else 0


def _native(model: AssayModel, places: list[Term]) -> str:
    """The wild type's letters in the window, where there is one place."""
    assembly, term = model.assembly, places[0]
    if len({(place.start, place.strand) for place in places}) > 1:
        return ""
    frame = _frame(model)
    codes = torch.as_tensor(frame.padded([frame.wild_type]).astype(np.int64))
    letters = assembly.letters + "-"
    return "".join(letters[int(code)] for code in assembly.window(term, codes)[0])


def _frame(model: AssayModel) -> Frame:
    """Letters and length of the sequences; a model that was read from a file has them."""
    assert model.frame is not None
    return model.frame


def _matrix(
    model: AssayModel,
    name: str,
    places: list[Term],
    values: NDArray[np.float64],
    unit: str,
    seen: Seen | None,
) -> EnergyMatrix:
    here = None
    if seen is not None and len(places) == 1 and places[0].strand == "+":
        here = seen[places[0].start : places[0].start + len(values)]
    shown = here if here is not None and here.shape == values.shape else None
    return EnergyMatrix(
        name, values, model.assembly.letters, _native(model, places), _first(places), shown, unit
    )
