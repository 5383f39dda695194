"""Checkpoints of one process: written aside, there as a whole or not at all, strict when read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pajamo.errors import IntegrityError, ModelError, StorageError
from pajamo.training.engine import checkpoints as module
from pajamo.training.engine.checkpoints import Checkpoints, committed_steps
from pajamo.training.engine.manifest import Manifest
from pajamo.training.engine.processes import Processes
from pajamo.training.engine.restoring import whole

ALONE = Processes(torch.device("cpu"))


def arrays(value: float) -> dict[str, Tensor]:
    return {
        "module.matrix": torch.full((3, 4), value),
        "module.short": torch.full((5,), value, dtype=torch.bfloat16),
        "module.scalar": torch.tensor(value, dtype=torch.float64),
        "module.count": torch.tensor([int(value)]),
        "optimiser.first.matrix": torch.full((4, 3), -value).T,  # not contiguous
    }


def accept(_: dict[str, Any]) -> None:
    """Any facts are those of this run."""


def kept(folder: Path, keep: int = 2) -> Checkpoints:
    found = Checkpoints(folder, ALONE, keep)
    found.tidy()
    return found


def test_what_was_saved_is_read_to_the_bit(tmp_path: Path) -> None:
    checkpoints = kept(tmp_path)
    saved = arrays(1.7)
    checkpoints.save(3, saved, {"step": 3, "share": 0.1})
    for array in saved.values():
        array.zero_()  # the save has its own copy
    checkpoints.commit()
    found = arrays(0.0)
    assert checkpoints.load(found, accept) == {"step": 3, "share": 0.1}
    for name, array in arrays(1.7).items():
        assert torch.equal(found[name], array), name


def test_a_save_is_not_there_before_its_commit(tmp_path: Path) -> None:
    checkpoints = kept(tmp_path)
    checkpoints.save(1, arrays(1.0), {})
    checkpoints.close()
    assert committed_steps(tmp_path) == []
    assert checkpoints.load(arrays(0.0), accept) is None
    assert (tmp_path / "step_1.unfinished").is_dir()
    kept(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_save_commits_the_one_before_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    checkpoints = kept(tmp_path, keep=2)
    for step in (1, 2, 10, 11):
        checkpoints.save(step, arrays(step), {"step": step})
    assert committed_steps(tmp_path) == [2, 10]
    checkpoints.commit()
    assert committed_steps(tmp_path) == [10, 11]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_10", "step_11"]


def test_a_full_disk_is_said_and_the_last_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = kept(tmp_path)
    checkpoints.save(1, arrays(1.0), {"step": 1})
    checkpoints.commit()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module, "save_file", full)
        checkpoints.save(2, arrays(2.0), {"step": 2})
        with pytest.raises(StorageError, match="the disk is full"):
            checkpoints.commit()
    assert checkpoints.load(arrays(0.0), accept) == {"step": 1}
    checkpoints.save(2, arrays(2.0), {"step": 2})
    checkpoints.commit()
    assert checkpoints.load(arrays(0.0), accept) == {"step": 2}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found.pop("module.count"), "not part of this model: module.count"),
        (lambda found: found.update(more=torch.zeros(1)), "missing from the checkpoint: more"),
        (
            lambda found: found.update({"module.matrix": torch.zeros(4, 3)}),
            "another shape or type: module.matrix",
        ),
        (lambda found: found.update({"module.short": torch.zeros(5)}), "another shape or type: module.short"),
    ],
)
def test_loading_is_strict(tmp_path: Path, change: Any, said: str) -> None:
    checkpoints = kept(tmp_path)
    checkpoints.save(1, arrays(1.0), {})
    checkpoints.commit()
    found = arrays(0.0)
    change(found)
    with pytest.raises(ModelError, match="of another model") as caught:
        checkpoints.load(found, accept)
    assert said in caught.value.why
    assert not found["module.scalar"].any()


def test_weights_are_read_whole(tmp_path: Path) -> None:
    checkpoints = kept(tmp_path)
    checkpoints.save(1, arrays(2.5), {"step": 1})
    checkpoints.commit()
    weights, facts = whole(tmp_path / "step_1")
    assert facts == {"step": 1}
    assert sorted(weights) == ["count", "matrix", "scalar", "short"]
    assert torch.equal(weights["matrix"], torch.full((3, 4), 2.5))


def rewritten(path: Path, **changes: Any) -> None:
    """A manifest with other entries and the checksum that belongs to them."""
    from pajamo.training.engine import manifest

    body = json.loads(path.read_text())
    body.pop("checksum")
    body.update(changes)
    path.write_text(json.dumps({**body, "checksum": manifest._checksum(body)}))


def test_a_manifest_of_a_newer_format_or_of_files_elsewhere_is_refused(tmp_path: Path) -> None:
    checkpoints = kept(tmp_path)
    checkpoints.save(1, arrays(1.0), {})
    checkpoints.commit()
    folder = tmp_path / "step_1"
    stored = json.loads((folder / "manifest.json").read_text())["arrays"]
    stored["module.matrix"]["chunks"][0]["file"] = "../elsewhere.safetensors"
    rewritten(folder / "manifest.json", arrays=stored)
    with pytest.raises(IntegrityError, match=r"(.|\n)*outside of its folder"):
        Manifest.read(folder)
    rewritten(folder / "manifest.json", format=2)
    with pytest.raises(IntegrityError, match=r"(.|\n)*format 2; this pajamo reads 1"):
        Manifest.read(folder)


def test_a_checkpoint_holds_no_pickle(tmp_path: Path) -> None:
    checkpoints = kept(tmp_path)
    checkpoints.save(1, arrays(1.0), {})
    checkpoints.commit()
    assert {path.suffix for path in (tmp_path / "step_1").iterdir()} == {".json", ".safetensors"}
