"""Attention within proteins of a pack against a loop over softmaxes, and its kernels against one another."""

from __future__ import annotations

import inspect
import warnings

import pytest
import torch
from tests.encoders.protein_packs import random_pack

from pajamo.encoders.proteins import attention
from pajamo.encoders.proteins.attention import attended, chosen, documents, exact, layout_of
from pajamo.encoders.proteins.layout import Layout
from pajamo.encoders.proteins.packed import PackedTokens

HEADS, WIDTH = 3, 8


def drawn(tokens, dtype=torch.float64, grad=False):
    generator = torch.Generator().manual_seed(0)
    parts = torch.randn(3, tokens, HEADS, WIDTH, generator=generator, dtype=torch.float64).to(dtype)
    return [part.clone().requires_grad_(grad) for part in parts]


def naive(query, key, value, lengths):
    parts, begin = [], 0
    for length in lengths:
        rows = slice(begin, begin + length)
        scores = torch.einsum("qhd,khd->hqk", query[rows], key[rows]) / WIDTH**0.5
        parts.append(torch.einsum("hqk,khd->qhd", scores.softmax(-1), value[rows]))
        begin += length
    return torch.cat(parts)


@pytest.mark.parametrize("lengths", [(7,), (5, 5, 5), (4, 9, 9, 3, 9)])
def test_exact_is_the_loop(lengths):
    heads = drawn(sum(lengths), grad=True)
    same = [part.detach().clone().requires_grad_() for part in heads]
    found, expected = exact(*heads, lengths), naive(*same, lengths)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for part, other in zip(heads, same, strict=True):
        torch.testing.assert_close(part.grad, other.grad)


def test_a_protein_knows_nothing_of_its_neighbours():
    query, key, value = drawn(20, grad=True)
    exact(query, key, value, (8, 12))[:8].sum().backward()
    assert (value.grad[8:] == 0).all()
    assert (value.grad[:8] != 0).any()


def test_flex_with_documents_is_exact():
    packed = PackedTokens.of(random_pack([30, 17, 81]))
    layout = Layout.of(packed, WIDTH, "flex", documents(packed))
    heads = drawn(128, torch.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="flex_attention called without torch.compile")
        found = attended(*heads, layout)
    torch.testing.assert_close(found, exact(*heads, packed.lengths), atol=1e-5, rtol=1e-5)


def test_flash_is_told_bounds_and_lengths(monkeypatch):
    """There is no GPU here: a stand-in reads what PyTorch's kernel would be given."""

    def stand_in(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k):
        assert cu_seq_q is cu_seq_k
        assert cu_seq_q.dtype == torch.int32
        lengths = cu_seq_q.diff().tolist()
        assert max(lengths) <= max_q == max_k
        return naive(query, key, value, lengths)

    monkeypatch.setattr(attention, "varlen_attn", stand_in)
    packed = PackedTokens.of(random_pack([30, 17]))
    heads = drawn(47)
    found = attended(*heads, Layout.of(packed, WIDTH, "flash"))
    torch.testing.assert_close(found, exact(*heads, packed.lengths))


def test_what_pytorch_offers_takes_these_arguments():
    varlen = pytest.importorskip("torch.nn.attention.varlen").varlen_attn
    inspect.signature(varlen).bind(*"qkvab", 1, 1)


def test_autocast_decides_on_the_kernel(monkeypatch):
    monkeypatch.setattr(
        attention, "chosen", lambda device, dtype: {torch.bfloat16: "flash"}.get(dtype, "exact")
    )
    packed = PackedTokens.of(random_pack([30, 17]))
    assert layout_of(packed, WIDTH, torch.float32).kernel == "exact"
    with torch.autocast("cpu", torch.bfloat16):
        assert layout_of(packed, WIDTH, torch.float32).kernel == "flash"


def test_sixteen_bits_are_averaged_in_thirty_two():
    heads = drawn(40, torch.bfloat16)
    found = exact(*heads, (25, 15))
    assert found.dtype == torch.bfloat16
    expected = naive(*(part.double() for part in heads), (25, 15))
    torch.testing.assert_close(found.double(), expected, atol=4e-3, rtol=4e-3)


def test_nothing_gives_nothing_and_gradients():
    heads = drawn(0, grad=True)
    layout = Layout.of(PackedTokens.of(random_pack([5])), WIDTH)
    attended(*heads, layout).sum().backward()
    assert all(part.grad is not None for part in heads)


@pytest.mark.parametrize(
    ("capability", "dtype", "kernel"),
    [((9, 0), torch.bfloat16, "flash"), ((9, 0), torch.float32, "flex"), ((7, 5), torch.float16, "flex")],
)
def test_the_kernel_fits_device_and_precision(monkeypatch, capability, dtype, kernel):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert chosen.__wrapped__(torch.device("cuda"), dtype) == kernel
    assert chosen(torch.device("cpu"), dtype) == "exact"
