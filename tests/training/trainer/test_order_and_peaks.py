"""The hash of the data's order, and what processors and transformers can and need."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.training.trainer.toy import Plan

from pajamo.training.trainer.order import order_after
from pajamo.training.trainer.peaks import measured_peak, peak_of


def plans(*samples: list[int]) -> list[Plan]:
    return [Plan(number, np.array(one)) for number, one in enumerate(samples)]


def test_the_hash_tells_orders_apart() -> None:
    once = order_after("", plans([1, 2], [3]))
    assert once == order_after("", plans([1, 2], [3]))
    others = [plans([2, 1], [3]), plans([1], [2, 3]), plans([1, 2], [3], []), plans([3], [1, 2])]
    hashes = {once, order_after(once, plans([1, 2], [3])), *[order_after("", other) for other in others]}
    assert len(hashes) == 6


def test_a_long_plan_counts_in_full() -> None:
    long = np.arange(5000)
    changed = long.copy()
    changed[2500] = 0
    assert order_after("", plans(long)) != order_after("", plans(changed))


def test_numbers_of_numpy_are_numbers() -> None:
    assert order_after("", (np.int64(3), np.float64(0.5))) == order_after("", (3, 0.5))


def test_peaks_are_found_by_name() -> None:
    assert peak_of("NVIDIA H200", "bfloat16") == 9.89e14
    assert peak_of("NVIDIA A100-SXM4-80GB", "bfloat16") == 3.12e14
    assert peak_of("NVIDIA H100 PCIe", "bfloat16") == 7.56e14
    assert peak_of("an unknown one", "bfloat16") is None


def test_a_cpu_is_measured() -> None:
    assert 1e8 < measured_peak("float32", size=128, seconds=0.02) < 1e14
    assert torch.get_num_threads() >= 1


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_known_device_has_a_peak(precision: str) -> None:
    from pajamo.training.trainer.peaks import PEAKS

    assert all(peaks[precision] > 1e12 for _, peaks in PEAKS)
