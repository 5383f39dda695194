"""Models and training states on disk: safetensors for arrays, JSON for names; never a pickle.

One file holds one state: the JSON travels in the safetensors header, so that arrays and names cannot
come from different writes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pajamo.data.atomic import replace_file
from pajamo.errors import IntegrityError

Arrays = dict[str, "np.ndarray"]


def write_state(path: Path, arrays: Arrays, facts: dict[str, object]) -> None:
    """Write arrays and facts atomically."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"pajamo": json.dumps(facts, ensure_ascii=False)}
    replace_file(path, lambda temporary: save_file(contiguous, temporary, metadata=header))


def read_state(path: Path) -> tuple[Arrays, dict[str, object]]:
    """Read what `write_state` wrote.

    Raises
    ------
    IntegrityError: no such file, or it is truncated, altered, or not of pajamo.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {})["pajamo"])
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
