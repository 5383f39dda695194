"""Members on disk: one that is there is not trained again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from pajamo.config.assays import TransferSettings
from pajamo.errors import ModelError
from pajamo.models.transfer.network import TransferNetwork
from pajamo.training.checkpoints import read_state, write_state
from pajamo.training.transfer.sites import Sites

KIND = "member of a transfer"
BESIDE = {"members", "competition", "start", "mechanism"}
"""Settings that change nothing of how one member is trained."""


def kept_or_trained(
    network: TransferNetwork,
    train: Callable[[], None],
    settings: TransferSettings,
    sites: Sites,
    weights: np.ndarray,
    folder: Path | None,
    name: str,
) -> None:
    """Take a member's values from its file, or train it and write them.

    Raises
    ------
    ModelError: the file is of a training with other settings, tables, start or mechanism.
    IntegrityError: the file is damaged.
    StorageError: the disk refuses.
    """
    if folder is None:
        train()
        return
    path = folder / f"{name}.safetensors"
    plan = {"kind": KIND, **_plan(network, settings, sites, weights)}
    if path.exists():
        arrays, facts = read_state(path)
        _require_same(path, facts, plan)
        network.load_state_dict({key: torch.from_numpy(values.copy()) for key, values in arrays.items()})
        return
    train()
    write_state(path, {key: values.numpy() for key, values in network.state_dict().items()}, plan)


def _plan(
    network: TransferNetwork, settings: TransferSettings, sites: Sites, weights: np.ndarray
) -> dict[str, str]:
    """What a member follows from, as short hashes."""
    start = [values.numpy() for values in network.state_dict().values()]
    how = settings.model_dump_json(exclude=BESIDE)
    return {
        "settings": how,
        "sites": _digest(sites.codes, sites.label, sites.table, weights),
        "start": _digest(*start),
    }


def _digest(*arrays: np.ndarray) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def _require_same(path: Path, facts: dict[str, str], plan: dict[str, str]) -> None:
    other = [key for key, value in plan.items() if facts.get(key) != value]
    if other:
        raise ModelError(
            "the member's file is of another training",
            where=str(path),
            why=f"what differs: {', '.join(other)}",
            fix="remove the folder to begin anew, or go on with the study that it was begun with",
        )
