"""Numbers that a CPU takes long over become zero while a training runs, and only then."""

from __future__ import annotations

import pytest
import torch

from pajamo.training.engine.arithmetic import steady
from pajamo.training.engine.processes import processes

TINY = 1e-40


def halved() -> float:
    return float(torch.tensor(TINY, dtype=torch.float32) * 0.5)


def test_tiny_numbers_are_zero_within_a_training_and_themselves_before_and_after() -> None:
    assert halved() > 0
    with steady(torch.device("cpu")) as device:
        assert device.type == "cpu"
        assert halved() == 0
    assert halved() > 0


def test_an_error_leaves_numbers_as_they_were() -> None:
    with pytest.raises(RuntimeError, match="broke"), steady(torch.device("cpu")):
        raise RuntimeError("broke")
    assert halved() > 0


def test_processes_compute_so() -> None:
    with processes("cpu"):
        assert halved() == 0
    assert halved() > 0
