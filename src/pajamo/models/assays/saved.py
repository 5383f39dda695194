"""A fitted model of an assay as arrays and facts, from which it is put together again."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pajamo.config import parse
from pajamo.config.assays import PAIRS, AssayStudy, LatentSettings, MechanismSettings
from pajamo.data.assays.alphabet import Alphabet
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import IntegrityError, PajamoWarning, UserError
from pajamo.measurements.scalar.cuts import CutProbability
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel

Arrays = dict[str, "np.ndarray"]
Facts = dict[str, Any]


def state(model: AssayModel) -> Arrays:
    """Every number of a fitted model: parameters, priors, and the scales laid over the training set."""
    return {name: values.numpy() for name, values in model.assembly.state_dict().items()}


def facts(model: AssayModel, frame: Frame) -> Facts:
    """What the arrays mean, for a program and for a person: the declaration, the terms with units, the states."""
    return {
        "name": model.name,
        "seed": model.seed,
        "mechanism": model.mechanism.model_dump(mode="json"),
        "experiments": {name: e.model_dump(mode="json") for name, e in model.experiments.items()},
        **_facts_of_letters(frame.alphabet),
        "wild_type": frame.wild_type,
        "length": frame.length,
        "varies": frame.varies,
        "readable": _readable(model.assembly),
    }


def restore(arrays: Mapping[str, np.ndarray], known: Facts, where: str) -> AssayModel:
    """Put a model together from what `state` and `facts` gave; it predicts the same bits.

    A prior matrix that was given as a file need not be there: its values are among the arrays.

    Raises
    ------
    IntegrityError: arrays and facts do not belong together.
    """
    try:
        frame = Frame(_letters(known), known["wild_type"], known["length"], known["varies"])
        # A study is what checks a declaration and its experiments together.
        asked = {"experiments": known["experiments"], "mechanisms": {"own": known["mechanism"]}}
        study = parse(AssayStudy, {"name": "saved", "alphabet": known["alphabet"], **asked}, where)
        declared = study.mechanisms["own"]
        model = AssayModel(known["name"], _without_files(declared), study.experiments, seed=known["seed"])
        with warnings.catch_warnings():
            # What there is to say of the declaration was said when it was fitted.
            warnings.simplefilter("ignore", PajamoWarning)
            assembly = model.build(frame.empty(study.experiments))
        held = {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}
        _make_room_for_guides(assembly, held)
        assembly.load_state_dict(held, assign=True)
    except (KeyError, TypeError, RuntimeError, UserError) as error:
        raise IntegrityError(
            "the file does not hold a whole model of an assay",
            where=where,
            why=" ".join(str(error).split())[:300],
            fix="fit the model again, or read it with the version of pajamo that wrote it",
        ) from error
    model.mechanism, model.frame = declared, frame
    return model


def _facts_of_letters(alphabet: Alphabet) -> Facts:
    """The letters; of guide-target pairs, whose letters nobody reads, their name and the longest PAM."""
    if isinstance(alphabet, PairAlphabet):
        return {"alphabet": PAIRS, "pam": alphabet.pam}
    return {"alphabet": alphabet.letters}


def _letters(known: Facts) -> Alphabet:
    if known["alphabet"] == PAIRS:
        return PairAlphabet(pam=known["pam"])
    return Alphabet(known["alphabet"])


def _make_room_for_guides(assembly: Assembly, held: Mapping[str, torch.Tensor]) -> None:
    """An assay without rows has no guides: the offsets of those that the model was fitted to are what is saved."""
    for name, module in assembly.named_modules():
        if isinstance(module, CutProbability):
            module.guide_offsets = torch.nn.Parameter(torch.zeros_like(held[f"{name}.guide_offsets"]))


def _without_files(mechanism: MechanismSettings) -> MechanismSettings:
    if isinstance(mechanism, LatentSettings):
        return mechanism
    sites = {
        name: site.model_copy(update={"matrix": None}) if isinstance(site.matrix, Path) else site
        for name, site in mechanism.sites.items()
    }
    return mechanism.model_copy(update={"sites": sites})


def _readable(assembly: Assembly) -> Facts:
    """Terms with units and values of constants, and how they make up each state or transition."""
    blueprint = assembly.blueprint
    held = torch.where(assembly.free, assembly.constants, assembly.constant_mean).tolist()
    constants = iter(held)
    terms = [
        {
            "name": term.name,
            "unit": term.unit,
            "experiment": term.experiment,
            **(
                {"value": next(constants)}
                if term.encoder is None
                else {"reads": _window(blueprint, position)}
            ),
        }
        for position, term in enumerate(blueprint.terms)
    ]
    return {
        "kT in kcal/mol": blueprint.kT,
        "terms": terms,
        "transitions" if blueprint.transitions else "states": _rows(blueprint),
        "outputs": {output: _rates(blueprint, row) for row, output in enumerate(blueprint.outputs)},
    }


def _window(blueprint: Blueprint, position: int) -> Facts:
    term = blueprint.terms[position]
    assert term.encoder is not None
    reader = blueprint.readers[term.encoder]
    return {
        "arrays": f"encoders.{term.encoder}",
        "start": term.start,
        "length": reader.length,
        "strand": term.strand,
        "encoder": reader.settings.encoder,
    }


def _rows(blueprint: Blueprint) -> Facts:
    """For each state (or transition) how often each term and input counts."""
    found: Facts = {}
    for row, name in enumerate(blueprint.rows):
        entering = zip((term.name for term in blueprint.terms), blueprint.incidence[row], strict=True)
        found[name] = {"terms": {term: float(times) for term, times in entering if times}}
        inputs = {key: float(times[row]) for key, times in blueprint.inputs.items() if times[row]}
        if inputs:
            found[name]["times"] = inputs
    return found


def _rates(blueprint: Blueprint, output: int) -> Facts:
    """The activity of each state that contributes to an output: a number, or the term that is its logarithm."""
    found: Facts = {}
    for column, state_name in enumerate(blueprint.states):
        term = int(blueprint.rate_terms[output, column])
        rate = float(np.exp(blueprint.log_rates[output, column]))
        if term >= 0:
            found[state_name] = f"exp({blueprint.terms[term].name})"
        elif rate > 0:
            found[state_name] = rate
    return found
