"""One process without torchrun, wrong settings of torchrun, and the sums that do not need others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pajamo.errors import ModelError
from pajamo.training.engine.devices import chosen_device
from pajamo.training.engine.filling import make
from pajamo.training.engine.matrices import _rows, for_whole_matrices
from pajamo.training.engine.pieces import piece, shards, squared_norm, with_piece
from pajamo.training.engine.processes import Processes, processes
from pajamo.training.engine.sharding import _mesh

CPU = torch.device("cpu")


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with processes("cpu") as alone:
        assert (alone.rank, alone.world, alone.first, alone.joined) == (0, 1, True, False)
        assert alone.gathered("a") == ["a"]
        assert alone.told("b") == alone.dealt(["b"]) == "b"
        assert alone.share([1, 2, 3]) == [1, 2, 3]
        assert alone.sum(torch.tensor(2.0)) == 2.0


def test_errors_within_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(KeyboardInterrupt), processes("cpu"):
        raise KeyboardInterrupt


def test_a_variable_of_torchrun_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(ModelError, match="WORLD_SIZE is 'two'"), processes("cpu"):
        pass


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_automatic_is_the_cpu_where_there_is_no_gpu() -> None:
    assert chosen_device("auto") == CPU
    with pytest.raises(ModelError, match="none that torch can use"):
        chosen_device("cuda")


def test_shares_are_all_items_once() -> None:
    items = list(range(11))
    shares = [Processes(CPU, rank, 4).share(items) for rank in range(4)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 9, 16])
@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_rows_are_cut_as_torch_cuts_them(rows: int, count: int) -> None:
    cut = [len(part) for part in torch.empty(rows, 2).chunk(count)] if rows else []
    assert _rows(rows, count) == cut + [0] * (count - len(cut))


def test_a_norm_is_that_of_all_numbers_together() -> None:
    random = np.random.default_rng(0)
    gradients = [torch.from_numpy(random.normal(size=shape)) for shape in ((3, 4), (5,), ())]
    together = torch.cat([gradient.reshape(-1) for gradient in gradients])
    assert squared_norm(gradients, 1).item() == pytest.approx(together.square().sum().item())
    # Four processes with copies count a quarter each.
    assert 4 * squared_norm(gradients, 4).item() == pytest.approx(together.square().sum().item())
    assert squared_norm([], 1) == 0


def test_a_whole_array_is_its_own_piece() -> None:
    weight = nn.Parameter(torch.ones(2, 3))
    piece(weight).fill_(5.0)
    assert torch.equal(weight, torch.full((2, 3), 5.0))
    assert shards(weight) == 1
    assert with_piece(weight, weight.detach()) is not None


def test_one_process_works_on_all_matrices() -> None:
    matrices = [torch.ones(2, 3), torch.ones(4, 1)]
    found = for_whole_matrices(matrices, matrices, lambda matrix: 2 * matrix, Processes(CPU))
    assert all(torch.equal(one, 2 * matrix) for one, matrix in zip(found, matrices, strict=True))
    assert for_whole_matrices([], [], lambda matrix: matrix, Processes(CPU)) == []


def test_machines_of_a_hybrid_must_be_alike() -> None:
    assert _mesh(Processes(CPU, 0, 6, per_machine=2), "hybrid") == ((3, 2), ("machines", "pieces"))
    with pytest.raises(ModelError, match="5 processes cannot be 2 on each machine"):
        _mesh(Processes(CPU, 0, 5, per_machine=2), "hybrid")


def test_weights_without_values_need_a_module_that_can_fill_them() -> None:
    with torch.device("meta"):
        layer = nn.Linear(2, 2)
    with pytest.raises(ModelError, match=r"Linear stands on the meta device but has no `initialise"):
        make(layer, layer, CPU, 0)


def test_weights_with_values_keep_them() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight.clone()
    make(layer, layer, CPU, 0)
    assert torch.equal(layer.weight, before)
