"""A fitted kinetic scheme as one experiment sees it: from pairs to ln rates, and from these to the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pajamo.config.assays import ExperimentSettings
from pajamo.data.assays.alphabet import Codes
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.enzymes import Enzyme, enzyme_of
from pajamo.data.assays.pairs.guides import read_pairs
from pajamo.errors import DataError, ModelError, nearest
from pajamo.explanations.pairs.readout import log_output_of_law, log_output_of_loop
from pajamo.mechanisms.kinetics.passage import Passage
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.r_loop import RLoop
from pajamo.mechanisms.steady_state import SteadyState
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel

FITTED = "fit"


@dataclass(frozen=True)
class KineticNetwork:
    """A fitted scheme, the experiment whose output is spoken of, and its concentrations (and time).

    Attributes
    ----------
    model: fitted; a kinetic mechanism of guide-target pairs.
    experiment: whose output is meant.
    inputs: one number each.
    """

    model: AssayModel
    experiment: str
    inputs: Mapping[str, float]

    @classmethod
    def of(
        cls, model: AssayModel, experiment: str | None = None, inputs: Mapping[str, float] | None = None
    ) -> KineticNetwork:
        """The network behind an experiment; the model's first experiment if none is named.

        Raises
        ------
        ModelError: the model is not fitted, is no kinetic mechanism of guide-target pairs or has no such experiment;
            or an input is missing that the experiment read from a column.
        """
        _require_pairs(model)
        name = next(iter(model.experiments)) if experiment is None else experiment
        if name not in model.experiments:
            raise ModelError(
                f"{model.name} has no experiment {name!r}",
                fix=f"{nearest(name, model.experiments)}it has: {', '.join(model.experiments)}",
            )
        return cls(model, name, _inputs(model, name, inputs or {}))

    @property
    def assembly(self) -> Assembly:
        """The fitted parts."""
        return self.model.assembly

    @property
    def law(self) -> SteadyState:
        """The scheme with its outputs, as long as the experiment's guides."""
        law = self.assembly.law_of(self.experiment)
        assert isinstance(law, SteadyState)
        return law

    @property
    def scheme(self) -> Scheme:
        """States and transitions."""
        return self.law.scheme

    @property
    def output(self) -> int:
        """Which output of the mechanism the experiment records."""
        return self.assembly.outputs[self.experiment]

    @property
    def passage(self) -> Passage | None:
        """From where to where molecules go, if the output is a rate of first passage or a fraction that arrives."""
        blueprint = self.assembly.blueprint
        return {**blueprint.passages, **blueprint.fractions}.get(blueprint.outputs[self.output])

    @property
    def transitions(self) -> tuple[str, ...]:
        """A name for each transition, "open -> intermediate", in the order of every array of rates."""
        return tuple(f"{source} -> {target}" for source, target in self.scheme.transitions)

    @property
    def settings(self) -> ExperimentSettings:
        """What the experiment recorded."""
        return self.model.experiments[self.experiment]

    @property
    def enzyme(self) -> Enzyme:
        """The nuclease of the experiment, Cas9 if it does not say."""
        return enzyme_of("Cas9" if self.settings.pairs is None else self.settings.pairs.enzyme)

    @property
    def alphabet(self) -> PairAlphabet:
        """The codes of positions."""
        alphabet = self.frame.alphabet
        assert isinstance(alphabet, PairAlphabet)
        return alphabet

    @property
    def frame(self) -> Frame:
        """Alphabet and length of the pairs that the model was fitted to."""
        assert self.model.frame is not None
        return self.model.frame

    @property
    def pam(self) -> int:
        """Positions before the protospacer."""
        return max(self.alphabet.pam, len(self.enzyme.pam))

    def encode(self, guides: Sequence[str], targets: Sequence[str]) -> Codes:
        """Codes of pairs written 5' to 3' with their PAM, shape (pairs, length).

        Raises
        ------
        DataError: a letter that is none, a guide without its PAM, or a guide that is longer than those of the fit.
        """
        pairs = read_pairs(guides, targets, self.enzyme, pam=self.alphabet.pam)
        codes = self.alphabet.encode_pairs(pairs.guides, pairs.targets)
        short = self.frame.length - codes.shape[1]
        if short < 0:
            raise DataError(
                f"a guide has {codes.shape[1]} positions, the model was fitted to {self.frame.length}",
                where="guides",
                why="what a position beyond these does was never seen",
                fix="give guides of the enzyme and length that the model was fitted to",
            )
        return np.pad(codes, ((0, 0), (0, short)), constant_values=self.alphabet.missing)

    def matched(self) -> Codes:
        """Codes of a target in which nothing differs from its guide, whatever the guide; shape (1, length).

        A position that is missing differs in nothing, so that every reader gives its constant.
        """
        return np.full((1, self.frame.length), self.alphabet.missing, dtype=np.uint8)

    @torch.no_grad()
    def log_rates(self, codes: Codes) -> Tensor:
        """ln of each transition's rate in 1/s, concentrations included, shape (pairs, transitions)."""
        terms = self.terms(codes)
        return self.law.log_transition_rates(terms, self.offsets(codes))

    @torch.no_grad()
    def terms(self, codes: Codes) -> Tensor:
        """What the readers and constants give for each pair, shape (pairs, terms)."""
        return self.assembly.terms(torch.as_tensor(codes), self.experiment)

    @torch.no_grad()
    def offsets(self, codes: Codes) -> Tensor:
        """ln of the concentrations that multiply each rate, shape (pairs, transitions)."""
        return self.assembly.offsets(torch.as_tensor(codes), self._inputs_of(len(codes)))

    def log_output(self, log_rates: Tensor) -> Tensor:
        """ln of the recorded output (a rate in 1/s, a fraction) for any rates, (pairs, transitions) to (pairs,)."""
        if isinstance(self.law, RLoop):
            return log_output_of_loop(self.scheme, log_rates, self.passage)
        matched = self.matched()
        time = self.offsets(matched)[:, log_rates.shape[1] :]
        return log_output_of_law(self.law, log_rates, self.terms(matched), time, self.output)

    def control(self, log_rates: Tensor) -> Tensor:
        """Slope of ln output by ln of each rate, shape (pairs, transitions); 0 for transitions that are absent."""
        absent = log_rates.isneginf()
        moved = log_rates.detach().clone().requires_grad_(True)
        (slopes,) = torch.autograd.grad(self.log_output(moved).sum(), moved)
        return torch.where(absent, 0.0, slopes)

    def _inputs_of(self, pairs: int) -> dict[str, Tensor]:
        return {name: torch.full((pairs,), value, dtype=torch.float64) for name, value in self.inputs.items()}


def _require_pairs(model: AssayModel) -> None:
    kinetic = isinstance(model.assembly.law, SteadyState)
    if not kinetic or model.frame is None or not isinstance(model.frame.alphabet, PairAlphabet):
        raise ModelError(
            f"{model.name} is no kinetic network of guide-target pairs",
            why="steps, barriers and mismatches are spoken of",
            fix='declare a mechanism of kind = "kinetic" in a study with alphabet = "guide-target"',
        )


def _inputs(model: AssayModel, experiment: str, given: Mapping[str, float]) -> dict[str, float]:
    """Every input that the mechanism takes and the experiment does not estimate."""
    declared = model.experiments[experiment].inputs
    found = {}
    for name in model.assembly.blueprint.inputs:
        value = given.get(name, declared.get(name))
        if value == FITTED:
            continue
        if value is None or isinstance(value, str):
            raise ModelError(
                f"input {name!r} is missing",
                where=f"experiment {experiment}",
                why="rates depend on this concentration, which the experiment read from a column",
                fix=f"inputs={{'{name}': 1.0}}",
            )
        found[name] = float(value)
    return found
