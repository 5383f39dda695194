"""Which models a study of an assay asks for, and the fits that each takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pajamo.config.assays import PAIRS, AssayStudy, ExperimentSettings, MechanismSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import PajamoError, StudyError, nearest
from pajamo.evaluation.assays.verdict import BASELINE, COMPARISON, MECHANISM
from pajamo.models.assays.ladder import ladder
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.loading import LoadedAssay


@dataclass(frozen=True)
class Fit:
    """One fit.

    Attributes
    ----------
    key: name of its file; that of the model, with the experiment where each has a fit of its own.
    mechanism: what is fitted.
    experiments: to which experiments.
    """

    key: str
    mechanism: MechanismSettings
    experiments: dict[str, ExperimentSettings]

    def model(self, seed: int) -> AssayModel:
        """The model, not yet fitted."""
        return AssayModel(self.key, self.mechanism, self.experiments, seed=seed)

    def of(self, assay: Assay) -> Assay:
        """The experiments that it is fitted to."""
        return replace(assay, experiments=tuple(e for e in assay.experiments if e.name in self.experiments))


@dataclass(frozen=True)
class Planned:
    """One model of a run.

    Attributes
    ----------
    name: as in the study, or of the comparison.
    kind: "baseline", "mechanism" or "comparison".
    title, reference, limits: what it is.
    fits: one for all experiments, or one for each.
    """

    name: str
    kind: str
    title: str
    reference: str
    limits: str
    fits: tuple[Fit, ...]


def planned(study: AssayStudy) -> tuple[Planned, ...]:
    """The baselines, the comparisons that a study asks for, and its mechanisms.

    A mechanism has to explain all experiments by the same energies. A map without a mechanism is fitted to each
    experiment on its own: it knows of no concentration by which experiments differ, and a weak baseline proves
    nothing.

    Raises
    ------
    StudyError: a mechanism has the name of a comparison.
    """
    experiments = _portable(study.experiments)
    rungs = ladder(study.models.ladder, pairs=study.alphabet == PAIRS)
    _require_names(study, rungs)
    maps = [
        Planned(
            name,
            BASELINE if rung.is_baseline else COMPARISON,
            rung.title,
            rung.reference,
            rung.limits,
            tuple(_separate(name, rung.mechanism, experiments)),
        )
        for name, rung in rungs.items()
    ]
    mechanisms = [
        Planned(
            name,
            MECHANISM,
            f"{declared.kind} mechanism of the study",
            "",
            "",
            (Fit(name, declared, experiments),),
        )
        for name, declared in study.mechanisms.items()
    ]
    return (*maps, *mechanisms)


def _separate(
    name: str, mechanism: MechanismSettings, experiments: dict[str, ExperimentSettings]
) -> Iterable[Fit]:
    if len(experiments) == 1:
        yield Fit(name, mechanism, experiments)
        return
    for experiment, settings in experiments.items():
        # What a map does not read is no part of it.
        yield Fit(f"{name}@{experiment}", mechanism, {experiment: settings.model_copy(update={"inputs": {}})})


def _portable(experiments: dict[str, ExperimentSettings]) -> dict[str, ExperimentSettings]:
    """Settings that name files but not folders: a saved model is the same wherever it was fitted."""
    return {
        name: settings.model_copy(update={"path": Path(settings.path.name), "dataset": None})
        for name, settings in experiments.items()
        if settings.path is not None
    }


def _require_names(study: AssayStudy, rungs: Iterable[str]) -> None:
    for name in study.mechanisms:
        if name in rungs:
            raise StudyError(
                f"a mechanism is called {name!r}, as is a comparison that is always or by request fitted",
                where=f"mechanisms.{name}",
                fix="give the mechanism another name",
            )
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name.startswith("."):
            raise StudyError(
                f"a mechanism is called {name!r}",
                where=f"mechanisms.{name}",
                why="its model is kept in a file of this name",
                fix="use letters, digits, '-', '_' and '.'",
            )


def find_model(plan: Iterable[Planned], name: str | None) -> Planned:
    """A model by its name; the first mechanism, else the additive map, if no name is given.

    Raises
    ------
    StudyError: the study has no such model.
    """
    known = {model.name: model for model in plan}
    if name is None:
        own = [model for model in known.values() if model.kind == MECHANISM]
        return own[0] if own else known["additive"]
    if name not in known:
        raise StudyError(
            f"the study has no model {name!r}",
            fix=f"{nearest(name, known)}it has: {', '.join(known)}",
        )
    return known[name]


def objection(model: Planned, loaded: LoadedAssay) -> str:
    """Why a comparison does not apply to these sequences; "" if it does.

    Raises
    ------
    StudyError, DataError, ModelError: a declared mechanism contradicts itself or the sequences: no run without it.
    """
    try:
        for fit in model.fits:
            fit.model(loaded.study.seed).build(fit.of(loaded.assay).part("training"))
    except PajamoError as error:
        if model.kind == MECHANISM:
            raise
        return f"{error.what}: {error.why}".removesuffix(": ")
    return ""
