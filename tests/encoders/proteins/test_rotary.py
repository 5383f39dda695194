"""Rotary positions: only distances matter, and lengths of vectors stay."""

from __future__ import annotations

import numpy as np
import torch

from pajamo.encoders.proteins.rotary import turned, turns


def at(positions, heads):
    return turned(heads, *turns(torch.as_tensor(positions), heads.shape[-1]))


def test_the_first_position_is_not_turned():
    heads = torch.randn(3, 2, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(at([0, 0, 0], heads), heads)


def test_products_depend_on_distance_alone():
    generator = torch.Generator().manual_seed(1)
    query, key = torch.randn(2, 1, 1, 16, generator=generator)
    near = (at([3], query) * at([10], key)).sum()
    far = (at([503], query) * at([510], key)).sum()
    torch.testing.assert_close(near, far, atol=2e-4, rtol=0)


def test_turning_is_a_product_of_complex_numbers():
    heads = torch.randn(5, 2, 6, generator=torch.Generator().manual_seed(2))
    positions = np.array([0, 1, 7, 100, 1000])
    angles = positions[:, None] * 10_000.0 ** (-np.arange(0, 6, 2) / 6)
    values = heads.numpy()
    expected = (values[..., :3] + 1j * values[..., 3:]) * np.exp(1j * angles)[:, None]
    found = at(positions, heads).numpy()
    np.testing.assert_allclose(found[..., :3], expected.real, atol=2e-4)
    np.testing.assert_allclose(found[..., 3:], expected.imag, atol=2e-4)


def test_tables_have_32_bits_whatever_is_turned():
    cosine, sine = turns(torch.tensor([900]), 8)
    assert cosine.dtype == sine.dtype == torch.float32
    heads = torch.ones(1, 1, 8, dtype=torch.bfloat16)
    found = turned(heads, cosine, sine)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), at([900], heads.float()), atol=1e-2, rtol=0)
