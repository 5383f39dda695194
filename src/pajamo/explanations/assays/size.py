"""Which fitted models are small enough for Newton steps, on which optimum, profiles and resamples rest."""

from __future__ import annotations

from pajamo.data.assays.assay import Assay
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.fit import is_small as assembly_is_small


def is_small(model: AssayModel, assay: Assay) -> bool:
    """Whether a Newton step takes seconds: the limit up to which fits end in such steps.

    Parameters
    ----------
    model: fitted, every encoder a linear map.
    assay: of which the training set counts.
    """
    rows = sum(experiment.n for experiment in assay.part("training").experiments)
    return assembly_is_small(model.assembly, rows)


def left_out(names: tuple[str, ...], resamples: int) -> str:
    """What is not made of a model that is too large, as a sentence; names are those of profiles."""
    parts = [f"profiles of {', '.join(names)}"] if names else []
    parts += [f"{resamples} resamples"] if resamples else []
    text = "too large for Newton steps: its parameters are those that the fit stopped at"
    return f"{text}; left out: {' and '.join(parts)}" if parts else text
