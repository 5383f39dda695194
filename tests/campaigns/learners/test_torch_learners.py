"""Torch modules: masks that hold for the whole pool, modes and random states that stay, closed forms of Laplace."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pajamo.campaigns.learners import blockwise
from pajamo.campaigns.learners.inputs import checked
from pajamo.campaigns.learners.torch_dropout import MonteCarloDropout
from pajamo.campaigns.learners.torch_ensemble import DeepEnsemble
from pajamo.campaigns.learners.torch_laplace import LastLayerLaplace, best_precision, curvature, with_one
from pajamo.campaigns.learners.torch_modules import Network, softmax
from pajamo.errors import ModelError


def build(features, outputs):
    return nn.Sequential(nn.Linear(features, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, outputs))


def with_probabilities(features, outputs):
    return nn.Sequential(build(features, outputs), nn.Softmax(dim=1))


def briefly(module, features, targets):
    """Twenty steps, so that tests are quick."""
    loss = nn.functional.cross_entropy if targets.dtype == torch.long else nn.functional.mse_loss
    optimiser = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(20):
        optimiser.zero_grad()
        loss(module(features), targets).backward()
        optimiser.step()


VALUES = Network(build, briefly)
CLASSES = Network(build, briefly, records="classes", logits=True)


def planted(results=40, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(results, 3)) * 5
    return table, 100 + 10 * np.tanh(table @ rng.normal(size=(3, outputs)) / 5) + rng.normal(
        size=(results, outputs)
    )


def classes(results=40):
    table, values = planted(results, 3)
    return table, values.argmax(axis=1)[:, None].astype(float)


def test_a_mask_is_one_network_for_every_candidate(monkeypatch):
    table, values = planted()
    fitted = MonteCarloDropout(VALUES, draws=6).fit(table, values, seed=0)
    same = np.repeat(table[:1], 30, axis=0)
    draws = fitted.predict(same).draws
    np.testing.assert_allclose(draws, np.repeat(draws[:, :1], 30, axis=1), rtol=1e-6)
    assert (draws.std(axis=0) > 0.01).all()
    whole = fitted.predict(table).draws
    monkeypatch.setattr(blockwise, "BLOCK", 7)
    np.testing.assert_allclose(fitted.predict(table).draws, whole, rtol=1e-6)
    np.testing.assert_allclose(fitted.predict(table[10:]).draws, whole[:, 10:], rtol=1e-6)


def test_masks_drop_as_the_layer_says_and_nothing_in_the_module_changes():
    table, values = planted()
    fitted = MonteCarloDropout(VALUES, draws=400).fit(table, values, seed=0)
    layer = fitted.module[2]
    layer.train()
    fitted.module[1].eval()
    kept = []
    hook = fitted.module[3].register_forward_hook(
        lambda _, given, output: kept.append((given[0] != 0).double().mean())
    )
    fitted.predict(table[:1])
    hook.remove()
    assert float(torch.stack(kept).mean()) == pytest.approx(0.7, abs=0.03)
    assert layer.p == 0.3
    assert layer.training
    assert not fitted.module[1].training
    assert not layer._forward_hooks


def test_the_mean_over_many_masks_of_a_linear_module_is_the_module_s():
    network = Network(
        lambda features, outputs: nn.Sequential(nn.Dropout(0.5), nn.Linear(features, outputs)), briefly
    )
    table, values = planted(outputs=1)
    fitted = MonteCarloDropout(network, draws=3000).fit(table, values, seed=0)
    plain = fitted.reading.said(fitted.module, table) * values.std() + values.mean()
    np.testing.assert_allclose(fitted.predict(table).mean, plain, atol=1.2)


def test_channels_are_dropped_whole():
    def images(features, outputs):
        body = nn.Sequential(nn.Unflatten(1, (1, features)), nn.Conv1d(1, 8, 1), nn.Dropout1d(0.5))
        return nn.Sequential(body, nn.Flatten(), nn.Linear(8 * features, outputs))

    table, values = planted()
    fitted = MonteCarloDropout(Network(images, briefly), draws=3).fit(table, values, seed=0)
    seen = []
    hook = fitted.module[1].register_forward_hook(lambda _, given, output: seen.append(given[0]))
    fitted.predict(table)
    hook.remove()
    for channels in seen:
        gone = (channels == 0).all(dim=2).all(dim=0)
        assert bool(((channels == 0).any(dim=2).any(dim=0) == gone).all())


def test_members_differ_and_the_random_state_stays():
    table, values = planted()
    state = torch.get_rng_state()
    first = DeepEnsemble(VALUES, 3).fit(table, values, seed=4)
    torch.testing.assert_close(torch.get_rng_state(), state)
    torch.rand(7)
    again = DeepEnsemble(VALUES, 3).fit(table, values, seed=4)
    np.testing.assert_array_equal(first.predict(table).draws, again.predict(table).draws)
    assert first.fingerprint() == again.fingerprint()
    assert (first.predict(table).variance > 0).all()
    sampled = DeepEnsemble(VALUES, 3, bootstrap=True).fit(table, values, seed=4)
    assert sampled.fingerprint() != first.fingerprint()


def test_predicted_noise_is_in_the_unit_of_the_readout():
    rng = np.random.default_rng(0)
    table = rng.uniform(-1, 1, (400, 1))
    values = 50 * table + np.where(table > 0, 20.0, 2.0) * rng.normal(size=(400, 1)) + 7

    def whole(features, outputs):
        return nn.Sequential(nn.Linear(features, 16), nn.Tanh(), nn.Linear(16, outputs))

    fitted = DeepEnsemble(Network(whole, predicts_noise=True), 2).fit(table, values, seed=0)
    noise = np.sqrt(fitted.predict(np.array([[-0.7], [0.7]])).noise[:, 0])
    assert noise[1] == pytest.approx(20.0, rel=0.35)
    assert noise[0] < 0.3 * noise[1]


def test_classes_by_logits_or_by_probabilities():
    table, labels = classes()
    by_logits = DeepEnsemble(CLASSES, 2).fit(table, labels, seed=0)
    raw = by_logits.reading.said(by_logits.modules[0], table)
    np.testing.assert_allclose(by_logits.predict(table).probabilities[0], softmax(raw), rtol=1e-6)
    network = Network(with_probabilities, briefly, records="classes")
    found = DeepEnsemble(network, 2).fit(table, labels, seed=0).predict(table)
    np.testing.assert_allclose(found.probabilities.sum(axis=2), 1.0)
    forgotten = Network(build, briefly, records="classes")
    with pytest.raises(ModelError, match="give probabilities, not logits"):
        DeepEnsemble(forgotten, 2).fit(table, labels, seed=0).predict(table)


def test_laplace_of_values_is_bayesian_regression_on_what_the_last_layer_is_given():
    table, values = planted()
    fitted = LastLayerLaplace(VALUES).fit(table, values, seed=0)
    hidden, said = fitted.body.parts(table)
    predicted = fitted.predict(table)
    unit, centre = fitted.layer.outputs.deviation, fitted.layer.outputs.centre
    np.testing.assert_allclose(predicted.mean, said * unit + centre)
    np.testing.assert_allclose(predicted.variance, fitted.layer.predict(hidden).variance, rtol=1e-9)
    np.testing.assert_allclose(predicted.noise, fitted.layer.predict(hidden).noise)
    far = fitted.predict(table * 20).variance.mean()
    assert far > predicted.variance.mean()


def test_laplace_takes_the_noise_that_a_module_predicts():
    table, values = planted(outputs=1)
    fitted = LastLayerLaplace(Network(build, predicts_noise=True)).fit(table, values, seed=0)
    said = fitted.body.parts(table)[1]
    np.testing.assert_allclose(fitted.predict(table).noise, np.exp(said[:, 1:]) * values.var())


def test_the_curvature_is_that_of_the_cross_entropy():
    rng = np.random.default_rng(0)
    design, weights = with_one(rng.normal(size=(12, 2))), rng.normal(size=(3, 3))
    labels = torch.from_numpy(rng.integers(0, 3, 12))

    def loss(flat):
        logits = torch.from_numpy(design) @ flat.reshape(3, 3)
        return nn.functional.cross_entropy(logits, labels, reduction="sum")

    exact = torch.autograd.functional.hessian(loss, torch.from_numpy(weights.ravel()))
    np.testing.assert_allclose(curvature(design, softmax(design @ weights)), exact.numpy(), atol=1e-10)


def test_the_precision_has_most_evidence():
    eigenvalues, square = np.array([0.0, 2.0, 50.0, 400.0]), 3.0
    best = best_precision(eigenvalues, square)

    def evidence(precision):
        return 4 * np.log(precision) - precision * square - np.log(eigenvalues + precision).sum()

    assert evidence(best) > max(evidence(0.98 * best), evidence(1.02 * best))


def test_draws_of_the_last_layer_have_the_approximation_s_covariance():
    table, labels = classes()
    fitted = LastLayerLaplace(CLASSES, draws=4000).fit(table, labels, seed=0)
    hidden, said = fitted.body.parts(table)
    # Cross-entropy ignores what is added to all classes, so that logits are compared without their mean.
    logits = with_one(hidden) @ fitted.layers
    np.testing.assert_allclose(logits.mean(axis=0), said, atol=0.2 * logits.std())
    assert fitted.predict(table[:5]).probabilities.shape == (4000, 5, 3)
    np.testing.assert_allclose(fitted.predict(table[:5]).features, hidden[:5], rtol=1e-6)
    weights = fitted.layers.reshape(4000, -1)
    matrix = curvature(with_one(hidden), softmax(said))
    top = np.linalg.eigh(matrix)[1][:, -1]
    precision = best_precision(np.linalg.eigvalsh(matrix).clip(0), float((weights.mean(axis=0) ** 2).sum()))
    assert (weights @ top).var() == pytest.approx(1 / (np.linalg.eigvalsh(matrix)[-1] + precision), rel=0.15)


@pytest.mark.parametrize(
    ("network", "complaint"),
    [
        (
            Network(
                lambda features, outputs: nn.Sequential(nn.Linear(features, outputs), nn.Tanh()), briefly
            ),
            "does not give",
        ),
        (Network(with_probabilities, briefly, records="classes"), "ends with probabilities"),
    ],
)
def test_a_module_without_a_linear_end_is_told(network, complaint):
    with pytest.raises(ModelError, match=complaint):
        LastLayerLaplace(network).fit(*(planted() if network.records == "values" else classes()), seed=0)


def test_what_no_network_can_say_is_told():
    with pytest.raises(ModelError, match="a single network is a bare mean"):
        DeepEnsemble(VALUES, 1)
    with pytest.raises(ModelError, match="no dropout layer"):
        MonteCarloDropout(Network(nn.Linear, briefly)).fit(*planted(), seed=0)
    narrow = Network(lambda features, outputs: nn.Linear(features, 1), lambda *_: None)
    with pytest.raises(ModelError, match=r"shape \(40, 1\)"):
        DeepEnsemble(narrow, 2).fit(*planted(), seed=0)


def test_a_training_function_is_given_results_without_units():
    seen = []
    network = Network(
        build, lambda module, features, targets: seen.append((module.training, features, targets))
    )
    table, values = planted()
    DeepEnsemble(network, 2).fit(table, values, seed=0)
    training, features, targets = seen[0]
    assert training
    np.testing.assert_allclose(features.mean(dim=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(targets.std(dim=0, correction=0), 1.0, rtol=1e-5)
    lesson = network.lesson(checked(table, values))
    assert lesson.width == 2
