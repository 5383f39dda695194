"""Folders with a model: config.json beside safetensors, whole or in shards. Nothing in them is a pickle."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from pajamo.errors import IntegrityError, ModelError, shorten

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def read_json(path: Path) -> dict[str, Any]:
    """A table of a model's folder.

    Raises
    ------
    IntegrityError: missing, or not a JSON table.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(
            "a file of the model cannot be read",
            where=str(path),
            why=str(error),
            fix="the folder must hold config.json and model.safetensors of one model",
        ) from None
    if not isinstance(found, dict):
        raise IntegrityError("the file is not a table of JSON", where=str(path))
    return found


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder by their names.

    Raises
    ------
    IntegrityError: no safetensors, a shard that is missing or damaged.
    ModelError: the weights are pickles, which can run code when they are read.
    """
    if (folder / INDEX).is_file():
        return _sharded(folder, read_json(folder / INDEX))
    if not (folder / WEIGHTS).is_file():
        raise _absent(folder)
    return _read(folder / WEIGHTS)


def _sharded(folder: Path, index: dict[str, Any]) -> dict[str, Tensor]:
    where = index.get("weight_map")
    if not isinstance(where, dict) or not all(_plain(name) for name in where.values()):
        raise IntegrityError("the index of shards names no files of its folder", where=str(folder / INDEX))
    tensors = _merged(_read(folder / name) for name in sorted(set(where.values())))
    lost = sorted(set(where) - set(tensors))
    if lost:
        raise IntegrityError(f"shards lack what their index names: {shorten(lost)}", where=str(folder))
    return tensors


def _plain(name: object) -> bool:
    """Whether a name is that of a file in the folder itself."""
    return isinstance(name, str) and Path(name).name == name


def _merged(parts: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: value for part in parts for name, value in part.items()}


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise IntegrityError(
            "weights cannot be read",
            where=str(path),
            why=str(error),
            fix="the file is missing, truncated or altered; copy it again",
        ) from None


def _absent(folder: Path) -> IntegrityError | ModelError:
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        return ModelError(
            f"the weights are a pickle: {shorten(pickles)}",
            where=str(folder),
            why="reading a pickle can run any code that its author put there",
            fix="take the checkpoint's model.safetensors, or convert it with safetensors where you trust it",
        )
    return IntegrityError(
        f"the folder holds no {WEIGHTS}", where=str(folder), fix="give a folder with config.json and weights"
    )
