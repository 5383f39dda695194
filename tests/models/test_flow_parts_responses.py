"""The prior of responses against a dense Gaussian that knows no structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.flow_screens import course

from pajamo.models.flow_parts.recorded import Recorded
from pajamo.models.flow_parts.response_posterior import ResponsePosterior
from pajamo.models.flow_parts.response_prior import CENTRES, EDGE, SMALL, ResponsePrior, Timing
from pajamo.models.flow_parts.words import Histories

GENES, LATER = 5, 7.0


class Dense:
    """The same law with every covariance between perturbations and times written out."""

    def __init__(self, prior: ResponsePrior, context: int) -> None:
        self.prior, self.v = prior, prior.variances
        recorded = prior.recorded
        self.rows = np.flatnonzero(recorded.context_of == context)
        self.times, self.exposure = recorded.times, recorded.exposure[context]
        self.control_noise = recorded.control_noise[context]
        self.where = [(r, t) for r in self.rows for t in range(len(self.times))]

    def number(self, name):
        return float(getattr(self.v, name).exp())

    def kernel(self, t, e, s, f):
        finite = self.prior.recorded.exposure[np.isfinite(self.prior.recorded.exposure)]
        rate = self.number("decay") / finite.max()
        delay = float(torch.sigmoid(self.v.onset)) * finite.min()
        e, f = (max(one - delay, EDGE * finite.max()) for one in (e, f))
        wander = float(torch.sigmoid(self.v.wander))
        lasting = (1 - np.exp(-rate * e)) * (1 - np.exp(-rate * f))
        walk = np.exp(-rate * abs(t - s)) - np.exp(-rate * (e + f))
        return (1 - wander) * lasting, wander * walk

    def size(self, gene, row):
        return self.number("size") * float(self.v.gene[gene].exp() * (2 * self.v.reach[row]).exp())

    def shared(self, gene):
        return self.number("size") * self.number("common") * float(self.v.gene[gene].exp())

    def is_own(self, gene, row):
        return self.prior.own_positions[row] == gene

    def covariance(self, gene):
        found = np.zeros((len(self.where), len(self.where)))
        for i, (r, t) in enumerate(self.where):
            for j, (q, s) in enumerate(self.where):
                both = sum(self.kernel(self.times[t], self.exposure[t], self.times[s], self.exposure[s]))
                found[i, j] = self.shared(gene) * both
                if t == s:
                    found[i, j] += self.control_noise[t] + SMALL * self.number("setting")
                if r == q:
                    found[i, j] += self.size(gene, r) * both + self.number("own") * self.is_own(gene, r)
                if (r, t) == (q, s):
                    found[i, j] += self.prior.recorded.noise[r, t] + SMALL * self.number("scatter")
        return found

    def mean(self, gene):
        lost = -float(self.v.lost) * float(self.prior.level[gene])
        return np.array([lost * self.is_own(gene, r) for r, _ in self.where])

    def data(self, gene):
        return np.array([self.prior.recorded.value[r, t, gene] for r, t in self.where])

    def posterior(self, gene, cross, variance, mean=0.0):
        weights = np.linalg.solve(self.covariance(gene), cross)
        return mean + weights @ (self.data(gene) - self.mean(gene)), variance - weights @ cross


@pytest.fixture(scope="module")
def prior():
    """Two contexts, three perturbations, three times, one entry missing, weights away from their centres."""
    made = course(perturbed=3, genes=GENES, contexts=("a", "b"))
    training = made.training
    kept = [i for i, c in enumerate(training.conditions) if str(c) != "g1 in a at 2"]
    training = replace(
        training, conditions=tuple(training.conditions[i] for i in kept), moments=training.moments[kept]
    )
    words = {c: Histories.of(training).history(c) for c in training.conditions}
    own = np.array([0, 0, 1, 1, -1, -1], dtype=np.intp)  # rows are sorted by gene, then context
    found = ResponsePrior(Recorded.of(training, words), own, np.full(GENES, 2.0))
    found.parameters = found.parameters + 0.4 * np.random.default_rng(5).normal(size=len(found.parameters))
    return found


@pytest.fixture(scope="module")
def posterior(prior):
    return ResponsePosterior(prior)


def test_likelihood_is_that_of_the_dense_gaussian(prior):
    for context in (0, 1):
        dense = Dense(prior, context)
        expected = 0.0
        for gene in range(GENES):
            covariance, gap = dense.covariance(gene), dense.data(gene) - dense.mean(gene)
            log_det = np.linalg.slogdet(covariance)[1]
            expected -= 0.5 * (log_det + gap @ np.linalg.solve(covariance, gap))
        found = prior.solve(prior.variances, context).log_likelihood()
        assert float(found) == pytest.approx(expected, rel=1e-9)


def test_gradient_of_the_likelihood(prior):
    def total(x):
        return prior._solve(prior._unpack(x))[0] - prior._penalty(x)

    start = torch.from_numpy(prior.parameters.copy()).requires_grad_()
    assert torch.autograd.gradcheck(total, start)


@pytest.mark.parametrize("row", [2, 3, -1])
@pytest.mark.parametrize(("time", "exposure"), [(2.0, 2.0), (LATER, LATER)])
def test_posterior_of_a_change_is_that_of_the_dense_gaussian(prior, posterior, row, time, exposure):
    context = 1 if row == 3 else 0
    dense, own = Dense(prior, context), int(prior.own_positions[row]) if row >= 0 else 2
    timing = Timing(torch.tensor([time]), torch.tensor([exposure], dtype=torch.float64))
    mean, variance = posterior.at(row, context, timing, own)
    for gene in range(GENES):
        alone = sum(dense.kernel(time, exposure, time, exposure))
        own_variance = dense.number("own") * (own == gene)
        reach = (2 * prior.variances.reach).exp().mean()
        typical = dense.number("size") * float(prior.variances.gene[gene].exp() * reach)
        size = dense.size(gene, row) if row >= 0 else typical
        cross = []
        for r, t in dense.where:
            both = sum(dense.kernel(time, exposure, dense.times[t], dense.exposure[t]))
            cross.append(dense.shared(gene) * both + (r == row) * (size * both + own_variance))
        total = (dense.shared(gene) + size) * alone + own_variance + SMALL * dense.number("scatter")
        lost = -float(prior.variances.lost) * 2.0 * (own == gene)
        expected = dense.posterior(gene, np.array(cross), total, lost)
        assert (mean[gene], variance[gene]) == pytest.approx(expected, rel=1e-8)


def test_columns_are_the_posterior_of_lasting_responses(prior, posterior):
    columns, dense = posterior.columns(), Dense(prior, 0)
    lasting = 1 - float(torch.sigmoid(prior.variances.wander))
    gains = prior.gain(prior.timing(0)).numpy()
    for gene in range(GENES):
        size = dense.size(gene, 2)
        cross = np.array([(r == 2) * size * lasting * gains[t] for r, t in dense.where])
        expected = dense.posterior(gene, cross, lasting * size)
        found = columns.effect[2, gene], columns.variance[2, gene]
        assert found == pytest.approx(expected, rel=1e-8)
        shared = np.array([dense.shared(gene) * lasting * gains[t] for _, t in dense.where])
        expected = dense.posterior(gene, shared, lasting * dense.shared(gene))
        found = columns.common[0, gene], columns.common_variance[0, gene]
        assert found == pytest.approx(expected, rel=1e-8)
    own = np.array([(r == 2) * dense.number("own") for r, _ in dense.where])
    expected = dense.posterior(1, own, 1.0, -2.0 * float(prior.variances.lost))[0]
    assert columns.own[2] == pytest.approx(expected, rel=1e-8)
    assert columns.own[4] == 0.0


def test_errors_of_controls_are_their_posterior(prior, posterior):
    errors, _ = posterior.control_errors
    for context in (0, 1):
        dense = Dense(prior, context)
        for gene in range(GENES):
            for time in range(3):
                noise = dense.control_noise[time]
                cross = np.array([noise * (t == time) for _, t in dense.where])
                # an error of the control enters every change of its harvest with the opposite sign
                expected = -dense.posterior(gene, cross, noise)[0]
                assert errors[context, time, gene] == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_variances_are_fitted_no_worse_than_at_the_centres(prior):
    again = ResponsePrior(prior.recorded, prior.own_positions, prior.level.numpy())
    assert again.decay == pytest.approx(np.exp(CENTRES["decay"]) / 4.0)
    before = float(again._solve(again.variances)[0] - again._penalty(torch.from_numpy(again.parameters)))
    again.fit()
    after = float(again._solve(again.variances)[0] - again._penalty(torch.from_numpy(again.parameters)))
    assert after > before + 1.0


def test_a_gene_by_itself_is_no_different(prior, posterior):
    """Genes are independent given the variances."""
    recorded = prior.recorded
    one = replace(recorded, value=recorded.value[:, :, :1], spread=recorded.spread[:1])
    own = np.where(prior.own_positions == 0, 0, -1)
    alone = ResponsePrior(one, own, np.full(1, 2.0))
    names, at = list(prior.shapes), 0
    parts = {}
    for name in names:
        size = int(np.prod(prior.shapes[name]))
        parts[name] = prior.parameters[at : at + size]
        at += size
    parts["gene"] = parts["gene"][:1]
    alone.parameters = np.concatenate([parts[name] for name in names])
    timing = Timing(torch.tensor([2.0]), torch.tensor([2.0], dtype=torch.float64))
    found, whole = ResponsePosterior(alone).at(0, 0, timing, 0), posterior.at(0, 0, timing, 0)
    assert found[0][0] == pytest.approx(whole[0][0])
    assert found[1][0] == pytest.approx(whole[1][0])
