"""Maps of guide-target pairs that are no sums of weights: products of kind and place, and layers."""

from __future__ import annotations

import pytest
import torch
from tests.encoders.guides.test_mismatch_maps import LENGTH, differences, matched, some_pairs

from pajamo.data.assays.pairs import pairing
from pajamo.encoders.guides.factorised import FactorisedMap
from pajamo.encoders.guides.network import MismatchNetwork

BUILD = {
    "factorised": lambda changes: FactorisedMap(LENGTH, changes, sd=2.0),
    "network": lambda changes: MismatchNetwork(LENGTH, changes, (8, 5), sd=2.0),
}
CASES = [(name, changes) for name in BUILD for changes in ("to", "kind")]


def planted(name, changes="to", seed=0):
    found = BUILD[name](changes).double()
    found.randomise(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        found.constant.fill_(0.7)
    return found


@pytest.mark.parametrize("changes", ["to", "kind"])
def test_a_factorised_map_multiplies_kind_and_place(changes):
    encoder, codes = planted("factorised", changes), some_pairs()
    listed, table = pairing.CHANNELS[changes], torch.outer(encoder.place.exp(), encoder.kind).tolist()
    for row, value in zip(codes, encoder(codes).tolist(), strict=True):
        expected = 0.7
        for position, names in enumerate(differences(row, changes)):
            for name in names:
                expected += table[position][listed.index(name)]
        assert value == pytest.approx(expected, abs=1e-12)
    torch.testing.assert_close(encoder.table, torch.outer(encoder.place.exp(), encoder.kind))


def test_a_network_is_its_layers_less_their_value_at_the_matched_target():
    encoder, codes = planted("network"), some_pairs()
    switched = torch.as_tensor(pairing.channels("to")).double()[codes.long()].flatten(1)
    values = []
    for given in (switched, torch.zeros(1, switched.shape[1]).double()):
        for layer in encoder.layers[:-1]:
            given = layer(given)
            given = given * torch.sigmoid(given)
        values.append(encoder.layers[-1](given)[:, 0])
    torch.testing.assert_close(encoder(codes), 0.7 + values[0] - values[1])


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_a_matched_target_has_the_constant(name, changes):
    assert planted(name, changes)(matched()).item() == pytest.approx(0.7, abs=1e-12)


@pytest.mark.parametrize("name", BUILD)
def test_derivatives_by_all_parameters_are_right(name):
    encoder, codes = planted(name), some_pairs(3)
    names, values = zip(*encoder.named_parameters(), strict=True)

    def value(*parameters):
        return torch.func.functional_call(encoder, dict(zip(names, parameters, strict=True)), (codes,)) ** 2

    given = [one.detach().clone().requires_grad_() for one in values]
    assert torch.autograd.gradcheck(value, given)


@pytest.mark.parametrize("name", BUILD)
def test_training_moves_every_layer_from_its_first_values(name):
    """Layers that begin at zeros, behind units that only rise, would never learn."""
    truth, encoder, codes = planted(name, seed=5), BUILD[name]("to").double(), some_pairs(200)
    encoder.randomise(torch.Generator().manual_seed(1))
    wanted, before = truth(codes).detach(), [p.detach().clone() for p in encoder.parameters()]
    optimiser = torch.optim.Adam(encoder.parameters(), lr=0.02)
    losses = []
    for _ in range(150):
        optimiser.zero_grad()
        loss = ((encoder(codes) - wanted) ** 2).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    moved = [(p - q).abs().max().item() for p, q in zip(encoder.parameters(), before, strict=True)]
    last_bias = name == "network"
    assert min(moved[:-1] if last_bias else moved) > 1e-2


def test_units_of_a_layer_are_no_copies_of_one_another():
    for layer in planted("network").layers[:-1]:
        assert torch.pdist(layer.weight).min() > 0.1


@pytest.mark.parametrize("name", BUILD)
def test_a_start_depends_on_its_generator_alone(name):
    codes = some_pairs()
    assert torch.equal(planted(name, seed=3)(codes), planted(name, seed=3)(codes))
    assert not torch.equal(planted(name, seed=3)(codes), planted(name, seed=4)(codes))


@pytest.mark.parametrize("name", BUILD)
def test_the_prior_pulls_to_the_constant(name):
    encoder = planted(name)
    for parameter in encoder.parameters():
        parameter.data.zero_()
    assert encoder.penalty().item() == 0.0
    assert planted(name).penalty().item() > 0.0
