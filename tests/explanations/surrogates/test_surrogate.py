"""A mechanism as a surrogate: planted energies come back, and what it cannot explain is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explanations.surrogates.planted_oracles import (
    ACTIVATOR,
    INTERACTION,
    POLYMERASE,
    PROMOTER,
    WILD_TYPE,
    parity,
    promoter,
)

from pajamo.config.assays import declare
from pajamo.errors import DataError
from pajamo.explanations.designs.mutagenesis import Mutagenesis
from pajamo.explanations.surrogates.oracle import of_module
from pajamo.explanations.surrogates.surrogate import Surrogate, in_silico_assay, surrogate


@pytest.fixture(scope="module")
def fitted() -> Surrogate:
    return surrogate(
        promoter, WILD_TYPE, PROMOTER, library=Mutagenesis(variants=500, rate=0.3),
        baselines=("additive",), starts=2, steps=40,
    )  # fmt: skip


def test_planted_energies_come_back(fitted: Surrogate) -> None:
    assert fitted.report.converged
    assembly = fitted.model.assembly
    # The promoter has a twin with the activator's energies and the interaction turned round.
    assert abs(float(assembly.constants.detach())) == pytest.approx(-INTERACTION, abs=0.3)
    for name, planted in (("A", ACTIVATOR), ("R", POLYMERASE)):
        found = _centred(assembly.reader(name).matrix.detach().numpy())
        assert abs(np.corrcoef(found.ravel(), _centred(planted).ravel())[0, 1]) > 0.999


def _centred(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix - matrix.mean(axis=1, keepdims=True))


def test_the_table_says_how_much_each_explains(fitted: Surrogate) -> None:
    table = fitted.table.set_index("model")
    assert list(table.index) == ["mechanism", "additive"]
    assert table.loc["mechanism", "r2"] > 0.9999
    assert table.loc["additive", "r2"] < 0.999
    assert table.loc["mechanism", "i_pred"] > table.loc["additive", "i_pred"]


def test_pairs_explain_what_no_mechanism_of_one_site_can() -> None:
    site = declare("thermodynamic", sites={"A": {"start": 0, "length": 4}}, transcribes=["A"])
    found = surrogate(
        parity,
        "ACGT",
        site,
        library=Mutagenesis(how="combinatorial", variants=400),
        baselines=("pairwise",),
        starts=1,
        seed=3,
        steps=25,
    )
    r2 = found.table.set_index("model")["r2"]
    assert r2["pairwise"] > 0.99
    assert r2["mechanism"] < 0.5


def test_a_torch_module_is_an_oracle() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv1d(4, 3, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(6, 2)
    )
    oracle = of_module(network, output=1)
    one_hot = torch.nn.functional.one_hot(torch.tensor([[0, 1, 2, 3]]), 4).transpose(1, 2).float()
    assert float(oracle(["ACGT"])[0]) == pytest.approx(float(network(one_hot)[0, 1].detach()))
    additive = declare("latent")
    found = surrogate(
        oracle,
        "ACGT",
        additive,
        library=Mutagenesis(how="combinatorial", variants=256),
        baselines=(),
        starts=1,
        steps=10,
    )
    assert 0 < found.table["r2"][0] < 1


def test_the_same_seed_gives_the_same_assay() -> None:
    one, two, three = (
        in_silico_assay(
            promoter, WILD_TYPE, alphabet="dna", library=Mutagenesis(variants=100), tolerance=0.01,
            holdout=(0.2, 0.2), seed=seed,
        )
        for seed in (0, 0, 1)
    )  # fmt: skip
    assert np.array_equal(one.experiments[0].codes, two.experiments[0].codes)
    assert not np.array_equal(one.experiments[0].codes, three.experiments[0].codes)


def test_an_oracle_without_differences_and_a_tiny_library_are_refused() -> None:
    with pytest.raises(DataError, match="for every one of 100 variants"):
        surrogate(lambda s: np.ones(len(s)), WILD_TYPE, PROMOTER, library=Mutagenesis(variants=100))
    with pytest.raises(DataError, match="too small"):
        surrogate(promoter, WILD_TYPE, PROMOTER, library=Mutagenesis(variants=5))
