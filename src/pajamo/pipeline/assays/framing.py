"""The model that a run keeps: at its optimum, in the physical frame, so that its file and its tables say the same."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

from pajamo.config.assays import LatentSettings
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.explanations.assays.canonical import canonical
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.assays.polishing import optimum_in_frame
from pajamo.models.assays.model import AssayModel
from pajamo.training.assays.physical import is_physical
from pajamo.training.assays.report import FitReport


def framed(model: AssayModel, assay: Assay, report: FitReport) -> tuple[AssayModel, FitReport, str]:
    """A fitted mechanism brought to the nearest optimum and into the frame in which its energies are reported.

    Maps without a mechanism, and mechanisms that a black box reads for, are left as they are.

    Returns
    -------
    The model, its report with the objective and the gap that it has then, and which frame was chosen and why.
    """
    if isinstance(model.mechanism, LatentSettings) or not is_linear(model):
        return model, report, ""
    # Too large for Newton steps; or pairs on the physical scale, where the fit itself went as far as steps lead.
    physical = isinstance(assay.alphabet, PairAlphabet) and is_physical(model.assembly)
    if isnan(report.gap) or physical:
        frame = canonical(model, assay)
        return frame.model, report, frame.sentence
    frame, polished = optimum_in_frame(model, assay)
    reached = replace(report, objective=polished.objective, gap=polished.gap)
    return polished.model, reached, frame.sentence


def is_linear(model: AssayModel) -> bool:
    """Whether every reader's weights are quantities of letters, of which one can speak."""
    assembly = model.assembly
    return len(linear_readers(assembly)) == len(assembly.blueprint.readers)
