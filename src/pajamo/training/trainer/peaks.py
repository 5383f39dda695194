"""The most that a processor can compute: the model's own operations over it are model-FLOP utilisation."""

from __future__ import annotations

import time
from typing import Final, Literal

import torch

Precision = Literal["float32", "bfloat16"]

PEAKS: Final[tuple[tuple[str, dict[Precision, float]], ...]] = (
    ("B300", {"bfloat16": 2.25e15, "float32": 7.5e13}),
    ("B200", {"bfloat16": 2.25e15, "float32": 7.5e13}),
    ("H200", {"bfloat16": 9.89e14, "float32": 6.7e13}),
    ("H100 PCIe", {"bfloat16": 7.56e14, "float32": 5.1e13}),
    ("H100", {"bfloat16": 9.89e14, "float32": 6.7e13}),
    ("GH200", {"bfloat16": 9.89e14, "float32": 6.7e13}),
    ("A100", {"bfloat16": 3.12e14, "float32": 1.95e13}),
    ("4090", {"bfloat16": 1.65e14, "float32": 8.26e13}),
    ("L40S", {"bfloat16": 3.62e14, "float32": 9.16e13}),
    ("L4", {"bfloat16": 1.21e14, "float32": 3.03e13}),
    ("A10", {"bfloat16": 1.25e14, "float32": 3.12e13}),
    ("V100", {"bfloat16": 1.57e13, "float32": 1.57e13}),
    ("T4", {"bfloat16": 8.1e12, "float32": 8.1e12}),
)
"""Operations a second of dense products, by a part of the device's name; the first that fits counts.

Source: NVIDIA's data sheets of each device, without sparsity, and without TF32 for 32 bits.
"""


def peak_of(name: str, precision: Precision) -> float | None:
    """Operations a second of a GPU of this name; None if it is not in the table."""
    return next((peaks[precision] for part, peaks in PEAKS if part in name), None)


def peak(device: torch.device, precision: Precision) -> float | None:
    """Operations a second of a device: a GPU's by its name, a CPU's as measured here and now."""
    if device.type == "cuda":
        return peak_of(torch.cuda.get_device_name(device), precision)
    return measured_peak(precision)


def measured_peak(precision: Precision, size: int = 768, seconds: float = 0.2) -> float:
    """Operations a second of square products on this CPU with torch's threads: the best of repeated ones."""
    matrix = torch.full((size, size), 1.0 / size, dtype=getattr(torch, precision))
    torch.mm(matrix, matrix)
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        before = time.perf_counter()
        torch.mm(matrix, matrix)
        best = max(best, 2 * size**3 / (time.perf_counter() - before))
    return best
