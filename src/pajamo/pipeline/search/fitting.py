"""The members of an ensemble, and the baselines that it has to beat, fitted to the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pajamo.config.assays import KineticSettings
from pajamo.data.assays.assay import Experiment
from pajamo.evaluation.assays.verdict import BASELINE
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.assays.planning import Fit, planned
from pajamo.pipeline.once import Progress
from pajamo.search.ensemble import Array, Ensemble, reading
from pajamo.training.assays.fit import fit_assay
from pajamo.training.assays.saved import load_assay_model, save_assay_model

MODELS: Final = "models"
ENSEMBLE: Final = "ensemble"


@dataclass(frozen=True)
class SearchModels:
    """Everything that was fitted.

    Attributes
    ----------
    ensemble: the best hypotheses.
    baselines: by name, for each experiment the map that was fitted to it.
    """

    ensemble: Ensemble
    baselines: dict[str, dict[str, AssayModel]]

    def say(self, rows: Experiment) -> dict[str, Array]:
        """What each model says of rows of one experiment: the ensemble, the baselines, then each member."""
        every = self.ensemble.readings(rows)
        compared = {name: reading(models[rows.name], rows) for name, models in self.baselines.items()}
        members = {f"member-{number}": own for number, own in enumerate(every, start=1)}
        return {ENSEMBLE: every.mean(axis=0), **compared, **members}


def fitted(
    declared: Sequence[KineticSettings], loaded: LoadedAssay, folder: Path, progress: Progress
) -> SearchModels:
    """Fit hypotheses and baselines to the whole training set; those whose files are there are read."""
    members = []
    for number, settings in enumerate(declared, start=1):
        study = loaded.study.model_copy(update={"mechanisms": {f"member-{number}": settings}})
        members.append(_model(planned(study)[-1].fits[0], loaded, folder, progress))
    baselines = {
        plan.name: {
            name: model
            for fit in plan.fits
            for model in [_model(fit, loaded, folder, progress)]
            for name in fit.experiments
        }
        for plan in planned(loaded.study)
        if plan.kind == BASELINE
    }
    return SearchModels(Ensemble(members), baselines)


def _model(fit: Fit, loaded: LoadedAssay, folder: Path, progress: Progress) -> AssayModel:
    path = folder / MODELS / f"{fit.key}.safetensors"
    if not path.is_file():
        progress(f"fitting {fit.key}")
        asked, model, assay = loaded.study.models, fit.model(loaded.study.seed), fit.of(loaded.assay)
        fit_assay(model, assay, starts=asked.starts, steps=asked.steps)
        path.parent.mkdir(exist_ok=True)
        save_assay_model(model, assay.part("training"), path)
    # Read back also when it was fitted just now: going on gives the same bits as never having stopped.
    return load_assay_model(path)
