"""Everything that a fitted model of an assay says, as text and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from pajamo.config.assays import KineticSettings, LatentSettings
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.explanations.assays.bootstrap import Bootstrap, bootstrap
from pajamo.explanations.assays.canonical import PhysicalFrame
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.assays.information import Information, information
from pajamo.explanations.assays.kinetic_readouts import KineticReadouts, kinetic_readouts
from pajamo.explanations.assays.library import library_parts
from pajamo.explanations.assays.matrices import energy_table
from pajamo.explanations.assays.occupancies import occupancy_table
from pajamo.explanations.assays.parameters import parameter_table
from pajamo.explanations.assays.polishing import Polished, as_fitted, optimum_in_frame
from pajamo.explanations.assays.profile import Profile, profile
from pajamo.explanations.assays.size import is_small, left_out
from pajamo.explanations.assays.sloppiness import sloppiness, sloppy_directions
from pajamo.explanations.assays.symmetries import symmetries
from pajamo.explanations.explanation import Explanation, Part
from pajamo.explanations.pairs.explain import pair_parts
from pajamo.models.assays.description import equations
from pajamo.models.assays.model import AssayModel


@dataclass(frozen=True)
class Reading:
    """A fitted model in its physical frame, at its optimum, with everything that was worked out about it.

    Attributes
    ----------
    frame: the frame that was chosen.
    polished: the model in that frame at its optimum.
    found: its information.
    profiles: by constant.
    resampled: the bootstrap, if one was asked for.
    level: coverage of the intervals.
    kinetics: what drives and controls a kinetic scheme that reads sequences; None for others.
    left_out: what is not made of a model that is too large for Newton steps; "" for others.
    """

    frame: PhysicalFrame
    polished: Polished
    found: Information
    profiles: dict[str, Profile]
    resampled: Bootstrap | None
    level: float
    kinetics: KineticReadouts | None = None
    left_out: str = ""

    @property
    def model(self) -> AssayModel:
        """The model that is reported."""
        return self.polished.model


def read_mechanism(
    model: AssayModel,
    assay: Assay,
    *,
    level: float = 0.9,
    profiled: tuple[str, ...] | None = None,
    resamples: int = 0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Reading:
    """Choose the frame, go to the optimum in it, and make intervals.

    A model that is too large for Newton steps is read where its fit stopped, without profiles and resamples.

    Parameters
    ----------
    model: fitted, every encoder a linear map.
    assay: that it was fitted to, with all its sets.
    level: coverage of the intervals.
    profiled: quantities with a profile, as "CRP+RNAP" or "CRP at the wild type"; every interaction energy if not
        given.
    resamples: of the case bootstrap; none by default, as each is a fit.
    seed: of the bootstrap.
    progress: is told a line now and then.

    Raises
    ------
    ModelError: a black box among the encoders, or a profile of what is no fitted constant.
    """
    names = _interactions(model) if profiled is None else profiled
    if not is_small(model, assay):
        frame, polished = as_fitted(model, assay)
        found = information(polished.model, assay)
        kinetics = _kinetics_of(polished.model, assay, found, level, seed)
        return Reading(frame, polished, found, {}, None, level, kinetics, left_out(names, resamples))
    frame, polished = optimum_in_frame(model, assay)
    found = information(polished.model, assay)
    profiles = {n: profile(polished.model, assay, n, level=level, progress=progress) for n in names}
    resampled = (
        bootstrap(polished.model, assay, resamples=resamples, level=level, seed=seed, progress=progress)
        if resamples
        else None
    )
    kinetics = _kinetics_of(polished.model, assay, found, level, seed)
    return Reading(frame, polished, found, profiles, resampled, level, kinetics)


def _interactions(model: AssayModel) -> tuple[str, ...]:
    """The interaction energies that were fitted."""
    terms = model.assembly.blueprint.terms
    return tuple(t.name for t in terms if t.encoder is None and t.unit == "kT" and not t.fixed)


def _kinetics_of(
    model: AssayModel, assay: Assay, found: Information, level: float, seed: int
) -> KineticReadouts | None:
    if not isinstance(model.mechanism, KineticSettings) or isinstance(assay.alphabet, PairAlphabet):
        return None
    return kinetic_readouts(model, assay, found, level=level, seed=seed)


def explain_assay(
    model: AssayModel,
    assay: Assay,
    *,
    level: float = 0.9,
    profiled: tuple[str, ...] | None = None,
    resamples: int = 0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Explanation:
    """What a fitted model is, what it found, and how far that can be trusted.

    Arguments as for `read_mechanism`. Of a black box, and of a model that reads nothing, only the equations
    and the library are told.
    """
    if not _has_parameters(model):
        return Explanation(model.name, title(model), (_mechanism(model), *library_parts(assay)))
    reading = read_mechanism(
        model, assay, level=level, profiled=profiled, resamples=resamples, seed=seed, progress=progress
    )
    return Explanation(model.name, title(model), (*parts_of(reading, assay), *library_parts(assay)))


def _has_parameters(model: AssayModel) -> bool:
    """Whether there are quantities, and all of them can be read."""
    readers = model.assembly.blueprint.readers
    return bool(readers) and len(linear_readers(model.assembly)) == len(readers)


def title(model: AssayModel) -> str:
    """What kind of model it is, in a few words."""
    blueprint = model.assembly.blueprint
    if isinstance(blueprint.settings, LatentSettings):
        return "a map from letters to one number"
    kind = "kinetic scheme of" if blueprint.transitions else "partition function over"
    return (
        f"{kind} {len(blueprint.groups or blueprint.states)} states, seen by {', '.join(model.experiments)}"
    )


def parts_of(reading: Reading, assay: Assay) -> Iterator[Part]:
    """The parts of an explanation that speak of the mechanism."""
    yield _mechanism(reading.model)
    yield _convergence(reading)
    yield _frame(reading)
    yield _parameters(reading, assay)
    yield from (_profile(found) for found in reading.profiles.values())
    if isinstance(assay.alphabet, PairAlphabet):
        yield from pair_parts(reading.model, assay, reading.found, level=reading.level)
    else:
        yield from _of_sequences(reading, assay)
    yield _sloppiness(reading)


def _of_sequences(reading: Reading, assay: Assay) -> Iterator[Part]:
    yield _energies(reading, assay)
    states = occupancy_table(reading.model, assay)
    if len(states):
        yield Part("states", "Of the wild type; energies are relative to the first state.", states, "states")
    if reading.kinetics is not None:
        yield _kinetics(reading.kinetics, reading.level)


def _mechanism(model: AssayModel) -> Part:
    return Part("mechanism", equations(model.assembly.blueprint))


def _convergence(reading: Reading) -> Part:
    polished = reading.polished
    if reading.left_out:
        return Part("convergence", f"{reading.model.name} is {reading.left_out}.")
    state = (
        "Converged" if polished.converged and reading.found.positive else "NOT CONVERGED: read no parameter"
    )
    text = f"{state}: one more Newton step promises {polished.gap:.2g} nats of {polished.objective:.1f}."
    return Part("convergence", text)


def _frame(reading: Reading) -> Part:
    blueprint = reading.model.assembly.blueprint
    found = symmetries(reading.model)
    table = pd.DataFrame(
        {
            "exchanges": [s.exchanged(blueprint) for s in found],
            "transformation": [s.describe(blueprint) for s in found],
            "error": [s.error for s in found],
        }
    )
    text = reading.frame.sentence
    if not len(found):
        return Part("symmetries", text)
    text += " error: largest difference of both activities on random energies."
    return Part("symmetries", text, table, "symmetries", ("exchanges", "transformation"))


def _parameters(reading: Reading, assay: Assay) -> Part:
    table = parameter_table(
        reading.model,
        assay,
        reading.found,
        level=reading.level,
        profiles=reading.profiles,
        resampled=reading.resampled,
    )
    text = f"Intervals of {100 * reading.level:.0f} %; an infinite end is one that the data do not set."
    columns = ("quantity", "of", "value", "unit", "low", "high", "method", "verdict")
    return Part("parameters", text, table, "parameters", columns)


def _profile(found: Profile) -> Part:
    text = (
        f"{found.verdict}. drop: nats lost against the optimum when {found.name} is held and all else refitted; "
        "log_likelihood_drop: without the priors of the other parameters; gained: nats by which the best optimum "
        "that was met is better than the fit."
    )
    return Part(f"profile of {found.name}", text, found.curve, f"profile_{_file(found.name)}")


def _file(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _energies(reading: Reading, assay: Assay) -> Part:
    table = energy_table(reading.model, assay, reading.found, level=reading.level)
    unseen = int((~table["observed"]).sum()) if len(table) else 0
    text = "What each mutation costs (wild-type gauge), with Laplace intervals."
    text += f" {unseen} letters were never seen at their position and have none." if unseen else ""
    return Part("energy matrices", text, table, "energies")


def _kinetics(found: KineticReadouts, level: float) -> Part:
    text = (
        "Of the wild type. affinity: free energy that one turn around a cycle dissipates, 0 in detailed balance. "
        "control: percent by which the output rises with one percent of a rate. "
        f"Intervals of {100 * level:.0f} % (Laplace).\nDetailed balance: "
    )
    return Part("kinetics", text + "\n".join(found.verdicts), found.table, "kinetics")


def _sloppiness(reading: Reading) -> Part:
    table = sloppy_directions(reading.found, reading.model)
    text = f"{reading.found.verdict} {sloppiness(reading.found, table)}"
    return Part("how well the data determine it", text, table, "sloppy_directions")
