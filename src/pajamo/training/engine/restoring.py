"""Reading checkpoints: into the pieces that a run has now, or whole into one process."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from pajamo.errors import ModelError, shorten
from pajamo.training.engine.manifest import Manifest, Stored, verify_parts
from pajamo.training.engine.planning import State, reads


def restore(folder: Path, manifest: Manifest, state: State) -> None:
    """Fill arrays, of which each process may hold a piece, from a checkpoint that was verified.

    Raises
    ------
    ModelError: the checkpoint has not exactly these arrays with these shapes and types.
    """
    _same(state, manifest.arrays, folder)
    with ExitStack() as stack, torch.no_grad():
        files: dict[str, Any] = {}
        for file, name, part, place in reads(state, manifest.arrays):
            if file not in files:
                files[file] = stack.enter_context(safe_open(folder / file, framework="pt"))
            found: Tensor = files[file].get_slice(name)[part] if part else files[file].get_tensor(name)
            place.copy_(found)


def whole(folder: Path, prefix: str = "module.") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Arrays of a checkpoint (a folder step_N) whose names begin so, whole, without that beginning; and its facts.

    Raises
    ------
    IntegrityError: the checkpoint is damaged.
    """
    manifest = Manifest.read(folder)
    verify_parts(folder, manifest.parts)
    wanted = {name: one for name, one in manifest.arrays.items() if name.startswith(prefix)}
    state = {name: torch.empty(one.shape, dtype=one.torch_dtype) for name, one in wanted.items()}
    restore(folder, Manifest(wanted, manifest.parts, manifest.facts), state)
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}, manifest.facts


def _same(state: State, arrays: dict[str, Stored], folder: Path) -> None:
    differences = [
        *_listed("missing from the checkpoint", state.keys() - arrays.keys()),
        *_listed("not part of this model", arrays.keys() - state.keys()),
        *_listed(
            "of another shape or type",
            (
                f"{name} {arrays[name].shape} {arrays[name].dtype}, here {tuple(state[name].shape)}"
                for name in sorted(state.keys() & arrays.keys())
                if tuple(state[name].shape) != arrays[name].shape
                or state[name].dtype != arrays[name].torch_dtype
            ),
        ),
    ]
    if differences:
        raise ModelError(
            "the checkpoint is of another model",
            where=str(folder),
            why="; ".join(differences),
            fix="go on with the model that was trained there, or train in another folder",
        )


def _listed(title: str, names: Iterable[str]) -> list[str]:
    found = sorted(names)
    return [f"{title}: {shorten(found)}"] if found else []
