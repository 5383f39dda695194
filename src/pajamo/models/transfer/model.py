"""An ensemble of networks that carry mechanisms over to sites that were found cut, or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pajamo.config.assays import ExperimentSettings, MechanismSettings, TransferSettings
from pajamo.data.assays.assay import Assay
from pajamo.data.assays.pairs.pairing import Codes
from pajamo.errors import ModelError, nearest
from pajamo.models.assays.frame import Frame
from pajamo.models.transfer.calibration import Calibration
from pajamo.models.transfer.network import TransferNetwork

Array = NDArray[np.float64]
AT_ONCE = 16_384
"""Pairs that go through a network together."""


@dataclass(frozen=True)
class TransferModel:
    """Members, each a network, and what their log odds are worth.

    Attributes
    ----------
    settings: how they were trained.
    experiments: the tables of sites that they were trained on, in the order of the networks' offsets.
    mechanisms: declarations by name.
    frame: alphabet and length of guides.
    members: networks, in float32.
    of: the mechanism of each member.
    calibration: by experiment, from log odds of the ensemble to calibrated ones.
    notes: what was left out of the tables, for a person.
    """

    settings: TransferSettings
    experiments: Mapping[str, ExperimentSettings]
    mechanisms: Mapping[str, MechanismSettings]
    frame: Frame
    members: tuple[TransferNetwork, ...]
    of: tuple[str, ...]
    calibration: Mapping[str, Calibration]
    notes: tuple[str, ...] = ()

    def experiment(self, name: str | None) -> str:
        """The name of a table: the first that the ensemble was trained on if none is given.

        Raises
        ------
        ModelError: it was not trained on such a table.
        """
        known = list(self.experiments)
        if name is not None and name not in known:
            raise ModelError(
                f"the ensemble was not trained on a table {name!r}",
                why="a probability refers to one table: how deep it was sequenced, which sites it lists",
                fix=f"{nearest(name, known)}give one of: {', '.join(known)}",
            )
        return known[0] if name is None else name

    def log10_activity(self, codes: Codes) -> Array:
        """log10 of the activity by each member, in the unit of its mechanism, shape (members, pairs)."""
        return np.stack([_by_part(member, codes) for member in self.members])

    def raw_log_odds(self, codes: Codes, experiment: str | None = None) -> Array:
        """Log odds as the members were trained to give, shape (members, pairs)."""
        return self.odds_of(self.log10_activity(codes), experiment)

    def log_odds(self, codes: Codes, experiment: str | None = None) -> Array:
        """Calibrated log odds by each member that a site of a table is found, shape (members, pairs)."""
        return self.calibrated_odds(self.log10_activity(codes), experiment)

    def odds_of(self, log10_activity: Array, experiment: str | None = None) -> Array:
        """What `log10_activity` gave as log odds in a table, shape (members, pairs)."""
        place = list(self.experiments).index(self.experiment(experiment))
        slopes = np.array([[float(member.log_slope.detach().exp())] for member in self.members])
        offsets = np.array([[float(member.offsets[place].detach())] for member in self.members])
        return offsets + slopes * log10_activity

    def calibrated_odds(self, log10_activity: Array, experiment: str | None = None) -> Array:
        """What `log10_activity` gave as calibrated log odds in a table, shape (members, pairs)."""
        name = self.experiment(experiment)
        raw = self.odds_of(log10_activity, name)
        return self.calibration[name].applied(raw) if name in self.calibration else raw

    def terms(self, codes: Codes, member: int = 0) -> Array:
        """Terms of a member's mechanism as its context changes them, in ln units (kT), shape (pairs, terms)."""
        network = self.members[member]
        with torch.no_grad():
            parts = [network.terms(part) for part in torch.as_tensor(codes).split(AT_ONCE)]
        return np.asarray(torch.cat(parts).double().numpy())

    def term_names(self, member: int = 0) -> tuple[str, ...]:
        """Names of those terms."""
        return tuple(term.name for term in self.members[member].kinetics.blueprint.terms)

    def predict(
        self,
        guides: Sequence[str] | str,
        targets: Sequence[str],
        experiment: str | None = None,
        *,
        competition: bool = False,
        steps: bool = True,
    ) -> pd.DataFrame:
        """Probability that each target is found cut by its guide; see `predicting.predict_transfer`."""
        # Imported here, as predictions are made of models.
        from pajamo.models.transfer.predicting import predict_transfer

        return predict_transfer(self, guides, targets, experiment, competition=competition, steps=steps)

    def calibrated(self, validation: Assay) -> TransferModel:
        """The same ensemble, its log odds made to agree with how often sites of other guides were found.

        Parameters
        ----------
        validation: rows that no member was trained on: `assay.part("validation")`, of guides of their own.

        Raises
        ------
        DataError: none of the ensemble's tables has sites of both kinds there.
        """
        from pajamo.models.transfer.calibrating import calibrations

        return replace(self, calibration=calibrations(self, validation))

    def only(self, which: Sequence[int]) -> TransferModel:
        """An ensemble of some of the members, as one alone."""
        members = tuple(self.members[place] for place in which)
        return replace(self, members=members, of=tuple(self.of[place] for place in which))


def _by_part(member: TransferNetwork, codes: Codes) -> Array:
    member.eval()
    with torch.no_grad():
        parts = [member.log10_activity(part) for part in torch.as_tensor(codes).split(AT_ONCE)]
    return np.asarray(torch.cat(parts).double().numpy())
