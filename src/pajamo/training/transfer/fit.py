"""Training an ensemble that carries mechanisms over to sites that were found cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pajamo.config.assays import AssayStudy, TransferSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError, nearest
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.transfer.building import new_network
from pajamo.models.transfer.model import TransferModel
from pajamo.models.transfer.network import TransferNetwork
from pajamo.training.transfer.keeping import kept_or_trained
from pajamo.training.transfer.member import train_member
from pajamo.training.transfer.sites import Sites, cut_experiments, listed_rows, pam_of, training_sites

Progress = Callable[[str], None]


def fit_transfer(
    study: AssayStudy,
    assay: Assay,
    starts: Mapping[str, AssayModel] | None = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> TransferModel:
    """Train an ensemble on the tables of sites of a study, and calibrate it on the guides kept aside.

    Parameters
    ----------
    study: with [transfer]; without it, the defaults hold.
    assay: of the study, its sets by guide: calibration on other pairs of the training guides would promise too much.
        Rows of the test set are not read, nor experiments that recorded something else.
    starts: fitted models by mechanism, from which members start. A mechanism without one starts where its prior says,
        each member at random.
    seed: of every random choice; the same seed gives the same bits.
    progress: is told a line now and then.
    checkpoint: folder with a file for each member that is trained; members that are there are not trained again.

    Raises
    ------
    DataError: nothing to learn from.
    ModelError: no table of sites; a mechanism that is not declared, that takes inputs or that does not fit the
        tables' guides; a member's file of another training.
    """
    settings = study.transfer or TransferSettings()
    experiments = {name: study.experiments[name] for name in cut_experiments(study)}
    tables = replace(assay, experiments=tuple(assay.experiment(name) for name in experiments))
    sites, frame = training_sites(tables.part("training"), settings), Frame.of(assay)
    if progress is not None:
        for note in sites.notes:
            progress(note)
    members, of = [], []
    for number, name in enumerate(_mechanisms(study, settings) * settings.members):
        own = seed * 1000 + number
        network = new_network(study.mechanisms[name], settings, frame, experiments)
        _start(network, (starts or {}).get(name), frame, own)
        weights = _weights(sites, settings, list(experiments), own)

        def train(network: TransferNetwork = network, weights: np.ndarray = weights, own: int = own) -> None:
            train_member(network, sites, settings, weights, seed=own, progress=progress)

        if progress is not None:
            progress(f"member {number + 1}: {name}")
        kept_or_trained(network, train, settings, sites, weights, checkpoint, f"member-{number}")
        members.append(network.eval())
        of.append(name)
    declared = {name: study.mechanisms[name] for name in dict.fromkeys(of)}
    model = TransferModel(settings, experiments, declared, frame, tuple(members), tuple(of), {}, sites.notes)
    # Rows that are left out of training say nothing of it: calibration sees the kind of sites that members saw.
    aside = tables.part("validation")
    kept = tuple(e.rows(listed_rows(e, pam_of(tables), settings)) for e in aside.experiments)
    validation = replace(aside, experiments=kept)
    return model.calibrated(validation) if _both(validation) else model


def _mechanisms(study: AssayStudy, settings: TransferSettings) -> tuple[str, ...]:
    known = tuple(study.mechanisms)
    for name in settings.mechanisms:
        if name not in known:
            raise ModelError(
                f"there is no mechanism {name!r} to transfer",
                where="transfer.mechanism",
                fix=f"{nearest(name, known)}declared are: {', '.join(known) or 'none'}",
            )
    if not known:
        raise ModelError("there is no mechanism to transfer", where="mechanisms", fix="declare one")
    return settings.mechanisms or known


def _start(network: TransferNetwork, start: AssayModel | None, frame: Frame, seed: int) -> None:
    """Values of a fitted model, or random ones near the prior's mean."""
    generator = torch.Generator().manual_seed(seed)
    if start is None:
        for encoder in network.kinetics.encoders.values():
            encoder.randomise(generator)
    else:
        _require_same(network, start, frame)
        network.kinetics.take(start.assembly)
    if network.context is not None:
        network.context.randomise(generator)


def _require_same(network: TransferNetwork, start: AssayModel, frame: Frame) -> None:
    own, other = network.kinetics.blueprint, start.assembly.blueprint
    assert start.frame is not None
    if start.frame.length != frame.length:
        raise ModelError(
            f"{start.name} was fitted to guides of {start.frame.length} positions, the tables have {frame.length}",
            where="transfer.start",
            fix="fit it to guides of the same length",
        )
    if [(t.name, t.start) for t in own.terms] != [(t.name, t.start) for t in other.terms]:
        raise ModelError(
            f"{start.name} is no fit of the declared mechanism",
            where="transfer.start",
            why="its terms, or the windows that they read, are others",
            fix="declare the mechanism as it was fitted, or fit it again",
        )


def _weights(sites: Sites, settings: TransferSettings, tables: list[str], seed: int) -> np.ndarray:
    """How much each site counts: its table's weight, and that of its guide in this member's resample."""
    for name in settings.weights:
        if name not in tables:
            raise ModelError(
                f"there is no table {name!r} of sites",
                where=f"transfer.weights.{name}",
                fix=f"{nearest(name, tables)}there are: {', '.join(tables)}",
            )
    weights = np.array([settings.weights.get(name, 1.0) for name in tables])[sites.table]
    if settings.resample:
        drawn = np.random.default_rng(seed).exponential(size=int(sites.guide.max()) + 1)
        weights = weights * drawn[sites.guide]
    return weights


def _both(validation: Assay) -> bool:
    return any(len(np.unique(e.recorded["label"])) > 1 for e in validation.experiments)
