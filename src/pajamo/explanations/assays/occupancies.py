"""The states of a fitted mechanism for one sequence: energies, probabilities and rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from pajamo.config.assays import KineticSettings, LatentSettings
from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauges import Array
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.description import state_table
from pajamo.models.assays.model import AssayModel


def occupancy_table(model: AssayModel, assay: Assay, codes: Codes | None = None) -> pd.DataFrame:
    """One row a state: weight as a formula, free energy, probability and rate, for the wild type or another sequence.

    Concentrations are the means over each experiment's rows. A site that slides makes many states: they are summed
    into the declared ones, whose free energy is -kT ln of the sum of the weights.

    Parameters
    ----------
    model: fitted.
    assay: that it was fitted to.
    codes: letters of a sequence, shape (length,); the wild type if not given.

    Returns
    -------
    `experiment`, `state`, `weight`, `energy` relative to the first state and `unit` (thermodynamic mechanisms),
    `occupancy`, `rate`. Empty for a latent trait.
    """
    assembly = model.assembly
    if isinstance(assembly.blueprint.settings, LatentSettings):
        return pd.DataFrame({"experiment": [], "state": [], "occupancy": []})
    sequence = torch.as_tensor(assay.wild_type if codes is None else codes)[None]
    tables = []
    for name in assembly.experiments:
        inputs = {key: torch.tensor([values.mean()]) for key, values in assay.experiment(name).inputs.items()}
        tables.append(_of_experiment(assembly, name, sequence, inputs))
    return pd.concat(tables, ignore_index=True)


def _of_experiment(
    assembly: Assembly, name: str, sequence: torch.Tensor, inputs: dict[str, torch.Tensor]
) -> pd.DataFrame:
    blueprint = assembly.blueprint
    with torch.no_grad():
        terms, offsets = assembly.terms(sequence, name), assembly.offsets(sequence, inputs)
        law: Any = assembly.law
        shares = law.log_occupancies(terms, offsets).exp().numpy()[0]
    words = state_table(blueprint)
    groups = blueprint.groups or blueprint.states
    first = _first(assembly)
    occupancy = blueprint.grouped(shares)
    table = pd.DataFrame({"experiment": name, "state": groups})
    if not isinstance(blueprint.settings, KineticSettings):
        table["weight"] = [_weight(words["energy"][row], words["concentrations"][row]) for row in first]
        table["energy"] = -blueprint.kT * _log_ratio(occupancy) + 0.0
        table["unit"] = "kcal/mol"
    table["occupancy"] = occupancy
    for column in (c for c in words.columns if c.startswith("rate")):
        table[column] = [words[column][row] for row in first]
    return table


def _weight(energy: str, concentrations: str) -> str:
    boltzmann = "" if energy == "0" else f"exp(-({energy})/kT)"
    return " ".join(filter(None, [concentrations, boltzmann])) or "1"


def _log_ratio(occupancy: Array) -> Array:
    """ln of each probability relative to the first."""
    with np.errstate(divide="ignore"):
        logarithms = np.log(occupancy)
    return np.asarray(logarithms - logarithms[0])


def _first(assembly: Assembly) -> list[int]:
    """The first state of each declared one."""
    blueprint = assembly.blueprint
    if blueprint.group_of_state is None:
        return list(range(len(blueprint.states)))
    return [int(np.argmax(blueprint.group_of_state == number)) for number in range(len(blueprint.groups))]
