"""What the data say of each position and what the fitted mechanisms say of the data, as tables of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import pandas as pd

from pajamo.config.assays import KineticSettings
from pajamo.data.assays.assay import Experiment
from pajamo.data.run_folder import RunFolder
from pajamo.errors import DataError, ModelError
from pajamo.evaluation.assays.verdict import MECHANISM
from pajamo.evaluation.information.footprints import information_footprint
from pajamo.evaluation.information.shifts import expression_shift
from pajamo.explanations.assays.bootstrap import Bootstrap, bootstrap
from pajamo.explanations.assays.comparing import compare_mechanisms, likelihood_ratio
from pajamo.explanations.assays.information import Information, information
from pajamo.explanations.assays.kinetic_readouts import kinetic_readouts
from pajamo.explanations.assays.library import shown_rows
from pajamo.explanations.assays.matrices import energy_table
from pajamo.explanations.assays.occupancies import occupancy_table
from pajamo.explanations.assays.parameters import parameter_table
from pajamo.explanations.assays.profile import Profile
from pajamo.explanations.assays.size import is_small, left_out
from pajamo.explanations.assays.sloppiness import sloppy_directions
from pajamo.explanations.pairs.explain import pair_tables_of
from pajamo.explanations.pairs.unseen import NEW_GUIDES, unseen_guides
from pajamo.models.assays.model import AssayModel
from pajamo.pipeline.assays.fitting import Paced
from pajamo.pipeline.assays.framing import is_linear
from pajamo.pipeline.assays.judging import AssayFindings
from pajamo.pipeline.assays.loading import LoadedAssay
from pajamo.pipeline.assays.profiling import profile_once, wanted_profiles
from pajamo.pipeline.once import Progress
from pajamo.pipeline.record import write_tables

Tables = dict[str, pd.DataFrame]
COMPARED = ("additive", "shared")
"""Maps without a mechanism that are compared with mechanisms by criteria too."""


def write_explanations(findings: AssayFindings, folder: RunFolder, progress: Progress) -> None:
    """Write footprints and shifts of the data, and every table of every mechanism that was fitted."""
    progress("footprints")
    found = {"footprints": [_of_positions(findings.loaded, _footprint)]}
    found["shifts"] = [_of_positions(findings.loaded, _shift)]
    for name, model in mechanisms(findings):
        for key, table in explain_mechanism(model, findings.loaded, folder, Paced(name, progress)).items():
            found.setdefault(key, []).append(table.assign(model=name) if "model" not in table else table)
    progress("comparing mechanisms")
    compared = {"comparison": _comparison(findings), "likelihood_ratios": _ratios(findings)}
    write_tables(folder.work, {key: _joined(tables) for key, tables in found.items()} | compared)


def mechanisms(findings: AssayFindings) -> Iterator[tuple[str, AssayModel]]:
    """Every declared mechanism that was fitted, with its model."""
    for fitted in findings.usable:
        if fitted.planned.kind == MECHANISM:
            yield fitted.name, next(iter(fitted.models.values()))


def explain_mechanism(model: AssayModel, loaded: LoadedAssay, folder: RunFolder, progress: Paced) -> Tables:
    """Parameters with intervals, energies of letters (or costs of mismatches), states, directions and profiles."""
    if not is_linear(model):
        return _explain_pairs(model, loaded, None) if loaded.pairs else _states(model, loaded)
    settings = loaded.study.uncertainty
    found = information(model, loaded.assay)
    progress.tell(found.verdict)
    profiles, resampled = _refitted(model, loaded, folder, progress)
    own = (
        _explain_pairs(model, loaded, found) | _new_guides(model, loaded, progress)
        if loaded.pairs
        else _explain_sequences(model, loaded, found, progress)
    )
    return own | {
        "parameters": parameter_table(
            model, loaded.assay, found, level=settings.level, profiles=profiles, resampled=resampled
        ),
        "sloppy_directions": _directions(found, model),
        "profiles": _joined(
            [each.curve.assign(quantity=name, unit=each.unit) for name, each in profiles.items()]
        ),
        "bootstrap": pd.DataFrame() if resampled is None else resampled.draws,
    }


def _explain_pairs(model: AssayModel, loaded: LoadedAssay, found: Information | None) -> Tables:
    level, seed = loaded.study.uncertainty.level, loaded.study.seed
    return pair_tables_of(model, loaded.assay, found, level=level, seed=seed)


def _new_guides(model: AssayModel, loaded: LoadedAssay, progress: Paced) -> Tables:
    """How much wider intervals are for guides that no fit saw; it takes refits, which large models are spared."""
    if not is_small(model, loaded.assay):
        return {}
    table = unseen_guides(model, loaded.assay)
    for words in table["words"]:
        progress.tell(str(words))
    return {NEW_GUIDES: table}


def _states(model: AssayModel, loaded: LoadedAssay) -> Tables:
    return {"states": occupancy_table(model, loaded.assay)}


def _explain_sequences(model: AssayModel, loaded: LoadedAssay, found: Information, progress: Paced) -> Tables:
    """States at the wild type, energies of letters, and what drives a kinetic scheme."""
    settings, tables = loaded.study.uncertainty, _states(model, loaded)
    tables["energies"] = energy_table(model, loaded.assay, found, level=settings.level)
    if isinstance(model.mechanism, KineticSettings):
        seed = loaded.study.seed
        driven = kinetic_readouts(model, loaded.assay, found, level=settings.level, seed=seed)
        progress.tell(" ".join(driven.verdicts))
        tables["kinetics"] = driven.table
    return tables


def _refitted(
    model: AssayModel, loaded: LoadedAssay, folder: RunFolder, progress: Paced
) -> tuple[dict[str, Profile], Bootstrap | None]:
    """Profiles and resamples, every point of which is a fit; none of a model that is too large for these."""
    if reason := not_refitted(model, loaded):
        progress.tell(reason)
        return {}, None
    return _profiles(model, loaded, folder, progress), _resampled(model, loaded, progress)


def not_refitted(model: AssayModel, loaded: LoadedAssay) -> str:
    """What is not made of a mechanism that is too large for Newton steps; "" for one that is small enough."""
    if not is_linear(model) or is_small(model, loaded.assay):
        return ""
    settings = loaded.study.uncertainty
    return left_out(wanted_profiles(model, loaded.assay, settings.profile), settings.bootstrap)


def _profiles(
    model: AssayModel, loaded: LoadedAssay, folder: RunFolder, progress: Paced
) -> dict[str, Profile]:
    settings, found = loaded.study.uncertainty, {}
    for number, name in enumerate(wanted_profiles(model, loaded.assay, settings.profile)):
        step = folder.step(f"profiles/{model.name}/{number}.json")
        found[name] = profile_once(step, model, loaded.assay, name, settings.level, progress)
        progress.tell(found[name].verdict)
    return found


def _resampled(model: AssayModel, loaded: LoadedAssay, progress: Paced) -> Bootstrap | None:
    settings, seed = loaded.study.uncertainty, loaded.study.seed
    if settings.bootstrap < 1:
        return None
    found = bootstrap(
        model, loaded.assay, resamples=settings.bootstrap, level=settings.level, seed=seed, progress=progress
    )
    progress.tell(found.verdict)
    return found


def _comparison(findings: AssayFindings) -> pd.DataFrame:
    """Declared mechanisms, and the additive maps where each is one fit, by criteria and by held-out likelihood."""
    models = dict(mechanisms(findings))
    models |= {
        model.name: next(iter(model.models.values()))
        for model in findings.usable
        if model.name in COMPARED and len(model.models) == 1 and models
    }
    loaded = findings.loaded
    if not models or loaded.scored_set == "training":
        return pd.DataFrame()
    return compare_mechanisms(
        models, loaded.assay, level=loaded.study.uncertainty.level, seed=loaded.study.seed
    )


def _ratios(findings: AssayFindings) -> pd.DataFrame:
    """Likelihood ratios of mechanisms of which one has interactions that the other lacks."""
    rows = []
    for (small, smaller), (large, larger) in permutations(mechanisms(findings), 2):
        try:
            found = likelihood_ratio(smaller, larger, findings.loaded.assay)
        except ModelError:
            continue
        facts = {"added": ", ".join(found.added), "statistic": found.statistic, "degrees": found.degrees}
        rows.append(
            {"smaller": small, "larger": large, **facts, "p_value": found.p_value, "verdict": found.verdict}
        )
    return pd.DataFrame(rows)


def _directions(found: Information, model: AssayModel) -> pd.DataFrame:
    try:
        return sloppy_directions(found, model)
    except ModelError:
        return pd.DataFrame()


def _of_positions(
    loaded: LoadedAssay, make: Callable[[LoadedAssay, Experiment], pd.DataFrame]
) -> pd.DataFrame:
    """A table of each experiment's positions; nothing where positions mean nothing, or where rows are too few.

    Nor of pairs: beside a guide, the letters of a position are not what was varied.
    """
    assay = loaded.assay
    if loaded.pairs or assay.varies or (assay.wild_type == assay.alphabet.missing).any():
        return pd.DataFrame()
    tables = []
    for experiment in assay.experiments:
        try:
            tables.append(make(loaded, shown_rows(experiment)).assign(experiment=experiment.name))
        except DataError:
            continue
    return _joined(tables)


def _footprint(loaded: LoadedAssay, experiment: Experiment) -> pd.DataFrame:
    _, recorded, _ = loaded.recorded(experiment)
    letters, wild_type = loaded.assay.alphabet.letters, loaded.assay.wild_type
    return information_footprint(
        experiment.codes, recorded, alphabet=letters, wild_type=wild_type, seed=loaded.study.seed
    )


def _shift(loaded: LoadedAssay, experiment: Experiment) -> pd.DataFrame:
    _, recorded, _ = loaded.recorded(experiment)
    letters, wild_type = loaded.assay.alphabet.letters, loaded.assay.wild_type
    return expression_shift(experiment.codes, recorded, alphabet=letters, wild_type=wild_type)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    held = [table for table in tables if not table.empty]
    return pd.concat(held, ignore_index=True) if held else pd.DataFrame()
