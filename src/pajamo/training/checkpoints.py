"""Models and training states on disk: safetensors for arrays, JSON for names; never a pickle.

One file holds one state: the JSON travels in the safetensors header, so that arrays and names cannot
come from different writes, and with it a hash of both, so that no altered byte goes unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pajamo.data.atomic import replace_file
from pajamo.errors import IntegrityError

Arrays = dict[str, "np.ndarray"]


def write_state(path: Path, arrays: Arrays, facts: dict[str, Any]) -> None:
    """Write arrays and facts atomically.

    Raises
    ------
    StorageError: the disk is full or refuses; what stood at `path` before still stands.
    """
    contiguous = {name: np.array(array, order="C") for name, array in arrays.items()}
    text = json.dumps(facts, ensure_ascii=False)
    # One entry, because safetensors writes several in random order: equal states give equal bytes.
    header = {"pajamo": f"{_digest(contiguous, text)}\n{text}"}

    def write(temporary: Path) -> None:
        try:
            save_file(contiguous, temporary, metadata=header)
        except SafetensorError as error:
            # Its own error class hides that the operating system refused.
            raise OSError(str(error)) from error

    replace_file(path, write)


def read_state(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read what `write_state` wrote.

    Raises
    ------
    IntegrityError: no such file, or it is truncated, altered, or not of pajamo.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            digest, _, text = (file.metadata() or {})["pajamo"].partition("\n")
        if digest != _digest(arrays, text):
            raise ValueError("its content does not match its own hash")
        facts: dict[str, Any] = json.loads(text)
    except FileNotFoundError:
        raise IntegrityError("there is no such file", where=str(path), fix="check the path") from None
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise IntegrityError(
            "the file is damaged or was not written by pajamo",
            where=str(path),
            why=str(error),
            fix="fit the model again, or take the file from a backup",
        ) from error
    return arrays, facts


def _digest(arrays: Arrays, text: str) -> str:
    """Hash of names, types, shapes and bytes of all arrays, and of the facts."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> Arrays:
    """The tensors of an optimiser's state, by parameter number and name."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{number}.{name}": value.numpy()
        for number, entries in state.items()
        for name, value in entries.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, arrays: Arrays) -> None:
    """Take back what `optimiser_arrays` gave."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".", 2)
            state.setdefault(int(number), {})[name] = torch.from_numpy(value.copy())
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
