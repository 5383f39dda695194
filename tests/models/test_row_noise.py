"""Every measured gene is shrunken by its own noise, and that is worth it where genes differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.models.parts.main_effects import MainEffects
from pajamo.models.parts.row_noise import RATIOS, Noise, OwnNoise, noise_of
from pajamo.models.parts.shrinkage import DEFAULT, MULTIPLES, chosen_noise


@pytest.fixture
def uneven(planted):
    """Every second gene responds twenty times less and is all noise; singles and six doubles in training."""

    def build(seed, cells=10):
        training, held, truth = planted(seed, cells=cells)
        factor = np.where(np.arange(training.n_genes) % 2, 0.05, 1.0)
        noise = np.random.default_rng([seed, 1]).normal(size=training.delta.shape)
        noise *= np.sqrt(training.variance_of_mean) * (factor < 1)
        mean = training.control_mean(training.conditions) + training.delta * factor + noise
        rows = [*training.of_order(1), *training.of_order(2)[:6]]
        moments = replace(training.moments, mean=mean)[rows]
        conditions = tuple(training.conditions[row] for row in rows)
        return replace(training, conditions=conditions, moments=moments), held, truth * factor

    return build


def test_each_gene_is_solved_at_its_own_ratio(uneven):
    training, held, _ = uneven(0)
    groups = OwnNoise(1.0, 0.0).groups(training)
    assert len(groups.ratio) > 1
    together = MainEffects.fit(training, OwnNoise(1.0, 0.0))
    for number, ratio in enumerate(groups.ratio):
        own = groups.group == number
        alone = MainEffects.fit(training, Noise(float(ratio), 1.0))
        np.testing.assert_allclose(together.means(held)[:, own], alone.means(held)[:, own])
        np.testing.assert_allclose(together.variances(held)[:, own], alone.variances(held)[:, own])


def test_noisy_genes_get_the_larger_ratio_and_more_cells_a_smaller_one(uneven):
    few, many = (OwnNoise(1.0, 0.2).groups(uneven(0, cells=n)[0]) for n in (10, 200))
    weak = np.arange(len(few.group)) % 2 == 1
    assert few.ratio[few.group[weak]].mean() > 2 * few.ratio[few.group[~weak]].mean()
    assert many.ratio[many.group[~weak]].mean() < 0.2 * few.ratio[few.group[~weak]].mean()
    assert set(few.ratio) <= set(RATIOS)


def test_interactions_do_not_fall_with_cells():
    cells, combined = np.array([40.0, 40.0, 4e9]), np.array([False, True, True])
    found = OwnNoise(1.0, 0.2).of_rows(0.1, cells, combined, 40.0)
    np.testing.assert_allclose(found, [0.1, 0.3, 0.2])


def test_own_ratios_beat_a_common_one_where_genes_differ(uneven):
    errors = []
    for seed in range(3):
        training, held, truth = uneven(seed)
        change = [MainEffects.fit(training, n) for n in (OwnNoise(1.0, 0.2), Noise(0.1, 3.0))]
        errors.append([np.square(e.means(held) - e.control[0] - truth).mean(axis=0) for e in change])
    own, common = np.mean(errors, axis=0)
    assert own[1::2].mean() < 0.7 * common[1::2].mean()
    assert own[::2].mean() < 1.1 * common[::2].mean()


def test_the_multiple_is_chosen_on_combinations_and_stays_without(uneven):
    training, _, _ = uneven(0)
    assert chosen_noise(training, 5, 0).multiple in MULTIPLES
    singles = training.of_order(1)
    only = replace(
        training,
        conditions=tuple(training.conditions[row] for row in singles),
        moments=training.moments[singles],
    )
    assert chosen_noise(only, 5, 0) == DEFAULT


def test_more_noise_is_not_shrunken_less(planted):
    found = [OwnNoise(1.0, 0.0).groups(planted(0, cells=n)[0]) for n in (4, 40, 400)]
    typical = [groups.ratio[groups.group].mean() for groups in found]
    assert typical[0] > typical[1] > typical[2]


@pytest.mark.parametrize("noise", [Noise(0.1, 3.0), OwnNoise(0.5, 0.2)])
def test_numbers_are_read_back(noise):
    assert noise_of(noise.facts()) == noise
